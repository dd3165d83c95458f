# What is made once and by a person: the bucket of the states, and what workflows may do.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  region = "eu-west-1"

  github = {
    repository    = "acme/couplet"
    repository_id = "777"
    owner_id      = "42"
  }
}

run "state" {
  command = plan

  module {
    source = "./bootstrap"
  }

  assert {
    condition     = aws_s3_bucket.state.bucket == "couplet-ci-state-123456789012"
    error_message = "The bucket's name must be nobody else's in the world, and no environment's."
  }

  assert {
    condition     = alltrue([for setting in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"] : aws_s3_bucket_public_access_block.state[setting]])
    error_message = "A state is nobody's business: all four blocks of public access."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.state.versioning_configuration).status == "Enabled"
    error_message = "A state that was overwritten by mistake must still be there."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "States are encrypted at rest."
  }

  assert {
    condition = jsondecode(aws_s3_bucket_policy.state.policy).Statement == [{
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::couplet-ci-state-123456789012", "arn:aws:s3:::couplet-ci-state-123456789012/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
    error_message = "States travel over TLS or not at all, and the bucket's policy allows nobody anything."
  }

  assert {
    condition = [for rule in aws_s3_bucket_lifecycle_configuration.state.rule : [
      rule.status, one(rule.noncurrent_version_expiration).noncurrent_days, one(rule.expiration).expired_object_delete_marker,
    ]] == [["Enabled", 90, true]]
    error_message = "Old versions go after ninety days, and with them what is left of locks."
  }
}

run "roles" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    environments = { staging = "terraform-staging", production = "terraform-production" }
    services     = ["board", "shop"]
  }

  # By name and one by one: a pattern would let in the repositories of strangers.
  assert {
    condition = toset(local.repository_arns) == toset([
      for repository in ["staging-board", "staging-shop", "production-board", "production-shop"] :
      "arn:aws:ecr:eu-west-1:123456789012:repository/couplet-${repository}"
    ])
    error_message = "Images are pushed to the repositories of this installation's services, and to no others."
  }

  # What pull requests build is nobody's target, and goes after a month.
  assert {
    condition = { for name, repository in aws_ecr_repository.built : repository.name => repository.image_tag_mutability } == {
      couplet-ci-board = "IMMUTABLE"
      couplet-ci-shop  = "IMMUTABLE"
    }
    error_message = "Each service has a repository of its own for what pull requests build, with tags that stay what they are."
  }

  assert {
    condition     = alltrue([for policy in aws_ecr_lifecycle_policy.built : one(jsondecode(policy.policy).rules).selection.countNumber == 30])
    error_message = "What pull requests have built goes after a month."
  }

  assert {
    condition     = strcontains(output.backend, "key          = \"bootstrap/terraform.tfstate\"") && strcontains(output.backend, "use_lockfile = true") && strcontains(output.backend, "encrypt      = true")
    error_message = "The state of this root belongs into its own bucket, under no environment's key, locked and encrypted."
  }
}

run "refuses_services_that_are_patterns" {
  command = plan

  module {
    source = "./bootstrap"
  }

  variables {
    services = ["*"]
  }

  expect_failures = [var.services]
}
