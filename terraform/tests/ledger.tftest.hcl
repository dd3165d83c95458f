# What must stay true of the ledger: that it cannot be lost, and that a target's item is the one that functions read.
#
#     terraform init -backend=false && terraform test

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                = "couplet-test-ledger"
  deletion_protection = true

  targets = [
    {
      repository        = "images"
      cluster           = "fence"
      service           = "board"
      container         = "web"
      template          = "board-template"
      family            = "board"
      environment       = "production"
      github_repository = "owner/name"
      deadline_seconds  = 900
      max_severity      = "HIGH"
      first_count       = 2
      environment_url   = ""
      tag_policy        = { kind = "glob", pattern = "stable-*" }
    },
    {
      repository        = "images"
      cluster           = "fence"
      service           = "shop"
      container         = "web"
      template          = "shop-template"
      family            = "shop"
      environment       = "production"
      github_repository = "owner/name"
      deadline_seconds  = 1800
      first_count       = 1
      environment_url   = "https://shop.example.com"
      tag_policy        = { kind = "glob", pattern = "stable-*" }
    },
  ]
}

run "ledger" {
  command = plan

  module {
    source = "./modules/ledger"
  }

  # Two services may follow one repository: the item's key must tell them apart, and begin with what an event names.
  assert {
    condition = jsondecode(aws_dynamodb_table_item.target["board"].item) == {
      pk                = { S = "targets" }
      sk                = { S = "images#board" }
      name              = { S = "board" }
      environment       = { S = "production" }
      repository        = { S = "images" }
      cluster           = { S = "fence" }
      service           = { S = "board" }
      container         = { S = "web" }
      template          = { S = "board-template" }
      family            = { S = "board" }
      tag_policy        = { M = { kind = { S = "glob" }, pattern = { S = "stable-*" } } }
      github_repository = { S = "owner/name" }
      deadline_seconds  = { N = "900" }
      max_severity      = { S = "HIGH" }
      first_count       = { N = "2" }
    }
    error_message = "A target's item is not what the ledger crate reads."
  }

  assert {
    condition = (
      jsondecode(aws_dynamodb_table_item.target["shop"].item).sk == { S = "images#shop" } &&
      jsondecode(aws_dynamodb_table_item.target["shop"].item).environment_url == { S = "https://shop.example.com" }
    )
    error_message = "A target with an address of its own must carry it, under a key of its own."
  }

  assert {
    condition     = toset(output.targets) == toset(["board", "shop"])
    error_message = "The targets that are written must be named, since what a template asks for waits for them."
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_enabled && aws_dynamodb_table.this.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "Without both images in the stream, report cannot know what changed."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.point_in_time_recovery).enabled
    error_message = "The history exists only here: it must be restorable to any second."
  }

  assert {
    condition     = aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "The history must refuse to be deleted."
  }

  assert {
    condition     = one(aws_dynamodb_table.this.server_side_encryption).enabled
    error_message = "The ledger must be encrypted with a key whose uses are logged."
  }

  assert {
    condition     = aws_dynamodb_table.this.billing_mode == "PAY_PER_REQUEST"
    error_message = "A dozen writes a rollout are paid for one by one."
  }

  assert {
    condition     = alltrue([for ttl in aws_dynamodb_table.this.ttl : ttl.enabled != true])
    error_message = "The history must not expire."
  }
}

run "unprotected" {
  command = plan

  module {
    source = "./modules/ledger"
  }

  variables {
    deletion_protection = false
    targets             = []
  }

  assert {
    condition     = !aws_dynamodb_table.this.deletion_protection_enabled && length(output.targets) == 0
    error_message = "An environment that may be thrown away must be able to, and a ledger may begin without targets."
  }
}

run "template_in_the_live_family" {
  command = plan

  module {
    source = "./modules/ledger"
  }

  variables {
    targets = [{
      repository        = "images"
      cluster           = "fence"
      service           = "board"
      container         = "web"
      template          = "board"
      family            = "board"
      environment       = "production"
      github_repository = "owner/name"
      deadline_seconds  = 900
      first_count       = 2
      environment_url   = ""
      tag_policy        = { kind = "glob", pattern = "stable-*" }
    }]
  }

  expect_failures = [var.targets]
}
