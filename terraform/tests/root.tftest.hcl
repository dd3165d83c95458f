# The whole, put together: what the modules' own tests cannot see. Every run only plans, against a provider that is not
# there:
#
#     terraform init -backend=false && terraform test

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  functions_dir = "tests/packages"
  github        = { repository = "owner/name" }
}

run "defaults" {
  command = plan

  assert {
    condition     = output.service == "couplet-production-board" && output.cluster == "couplet-production"
    error_message = "The outputs are what people and scripts rely on."
  }

  assert {
    condition     = length(module.network) == 1
    error_message = "Without an existing network there is one of its own."
  }

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enabled"
    error_message = "Task-level metrics must be there before the hour in which they are needed."
  }

  # The board follows what its own repository gets, and what is told is what was configured.
  assert {
    condition = (
      module.board.target.repository == "couplet-production-board" &&
      module.board.target.family == "couplet-production-board" &&
      module.board.target.template == "couplet-production-board-template"
    )
    error_message = "A target's names follow from the service's."
  }

  # Whatever rolls out, the board can only read, by key, and only the ledger.
  assert {
    condition     = toset(flatten(local.board_policy.Statement[*].Action)) == toset(["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"])
    error_message = "The board changes nothing, and has the right to nothing else."
  }

  assert {
    condition     = length(local.acting_variables) == 0
    error_message = "Nobody can act on the board unless somebody wants that."
  }
}

run "people_and_scripts_may_act" {
  command = plan

  variables {
    domain = { name = "board.example.com", zone_id = "Z0123456789" }
    acting = {
      github   = { client_id = "Iv1" }
      tokens   = { ci = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" }
      balancer = true
    }
  }

  # One thing more, and that only as a request: the bus is shared with everybody's events.
  assert {
    condition = [for statement in local.board_policy.Statement : statement if statement.Sid == "AskForRollouts"] == [{
      Sid      = "AskForRollouts"
      Effect   = "Allow"
      Action   = "events:PutEvents"
      Resource = "arn:aws:events:us-east-1:123456789012:event-bus/default"
      Condition = {
        StringEquals = { "events:source" = "couplet", "events:detail-type" = "Rollout Requested" }
      }
    }]
    error_message = "The board asks for rollouts, and puts no other event."
  }

  assert {
    condition = [
      for statement in local.board_policy.Statement : statement.Resource if statement.Sid == "ReadClientSecret"
    ] == ["arn:aws:ssm:us-east-1:123456789012:parameter/couplet/github-client-secret"]
    error_message = "The board reads the client secret and no other parameter."
  }

  assert {
    condition = local.acting_variables == tomap({
      COUPLET_GITHUB_API_URL                 = "https://api.github.com"
      COUPLET_GITHUB_CLIENT_ID               = "Iv1"
      COUPLET_GITHUB_CLIENT_SECRET_PARAMETER = "/couplet/github-client-secret"
      COUPLET_TOKENS                         = "ci:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    })
    error_message = "The board is told who may act."
  }
}

run "nobody_signs_in_over_plain_http" {
  command = plan

  variables {
    acting = { github = { client_id = "Iv1" } }
  }

  expect_failures = [var.acting]
}

run "nobody_signs_in_where_no_task_gets_out" {
  command = plan

  variables {
    domain  = { name = "board.example.com", zone_id = "Z0123456789" }
    network = { nat = "none" }
    acting  = { github = { client_id = "Iv1" } }
  }

  expect_failures = [var.acting]
}

run "a_token_is_not_given_itself" {
  command = plan

  variables {
    acting = { tokens = { ci = "hunter2" } }
  }

  expect_failures = [var.acting]
}

run "https_under_a_name" {
  command = plan

  variables {
    domain = { name = "board.example.com", zone_id = "Z0123456789" }
  }

  assert {
    condition     = output.board_url == "https://board.example.com"
    error_message = "With a domain the board is at the domain."
  }
}

run "behind_a_proxy" {
  command = plan

  variables {
    domain    = { name = "board.internal.example.com", certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1" }
    board_url = "https://board.example.com"
  }

  assert {
    condition     = output.board_url == "https://board.example.com"
    error_message = "Links lead to where people open the board."
  }
}

run "told_by_an_app_and_promoted_from_staging" {
  command = plan

  variables {
    github        = { repository = "owner/name", app = { id = "1234567" } }
    promotes_from = ["staging"]
  }

  assert {
    condition     = output.service == "couplet-production-board"
    error_message = "An App needs no more than its id."
  }
}

run "in_an_existing_network" {
  command = plan

  variables {
    network = {
      existing = {
        vpc_id            = "vpc-1"
        public_subnet_ids = ["subnet-1", "subnet-2"]
        task_subnet_ids   = ["subnet-1", "subnet-2"]
        task_public_ip    = true
      }
    }
  }

  assert {
    condition     = length(module.network) == 0
    error_message = "In an existing network none is made."
  }
}

run "promoted_from_itself" {
  command = plan

  variables {
    promotes_from = ["production"]
  }

  expect_failures = [var.promotes_from]
}

# What is refused, with a sentence that says why.
run "refusals" {
  command = plan

  variables {
    name          = "Couplet"
    environment   = "Production"
    github        = { repository = "name", api_url = "http://github.example.com", token_parameter = "token", app = { id = "my App" } }
    tag_policy    = { kind = "latest", pattern = "" }
    domain        = { name = "board.example.com" }
    network       = { cidr = "10.0.0.0/30", zones = 1, nat = "some" }
    tasks         = { minimum = 0, spot_percent = 101 }
    allowed_cidrs = ["everybody"]
    board_url     = "https://board.example.com/"
    rollouts      = { deadline_seconds = 5, max_severity = "high" }
    architecture  = "arm"

    log_retention_days = 2
  }

  expect_failures = [
    var.name, var.environment, var.github, var.tag_policy, var.domain, var.network, var.tasks, var.allowed_cidrs,
    var.board_url, var.rollouts, var.architecture, var.log_retention_days,
  ]
}
