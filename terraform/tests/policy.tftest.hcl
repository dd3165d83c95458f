# What must stay true of this Terraform whatever else changes: who hears what, who may do what, and how a service
# deploys. Every run only plans, against a provider that is not there:
#
#     terraform init -backend=false && terraform test

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_data "aws_region" {
    defaults = { id = "eu-west-1" }
  }

  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-west-1a", "eu-west-1b", "eu-west-1c"] }
  }
}

variables {
  name               = "couplet-test"
  architecture       = "arm64"
  log_retention_days = 30
  functions_dir      = "tests/packages"
}

run "pipeline" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  variables {
    github_api_url         = "https://api.github.com"
    github_token_parameter = "/couplet/github-token"
    board_url              = "https://board.example.com"

    table = {
      name       = "ledger"
      arn        = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
      stream_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger/stream/2026-11-23T00:00:00.000"
    }

    targets = [
      {
        repository     = "board-images"
        repository_arn = "arn:aws:ecr:eu-west-1:123456789012:repository/board-images"
        cluster        = "fence"
        service        = "board"
        family         = "board"
        role_arns      = ["arn:aws:iam::123456789012:role/board-execution", "arn:aws:iam::123456789012:role/board-task"]
      },
      {
        repository     = "shop-images"
        repository_arn = "arn:aws:ecr:eu-west-1:123456789012:repository/shop-images"
        cluster        = "fence"
        service        = "shop"
        family         = "shop"
        role_arns      = ["arn:aws:iam::123456789012:role/shop-execution", "arn:aws:iam::123456789012:role/shop-task"]
      },
    ]
  }

  # Who hears what, to the letter: a key too many and a rule never fires, a key too few and it fires for strangers.

  assert {
    condition = { for name, rule in aws_cloudwatch_event_rule.event : name => jsondecode(rule.event_pattern) } == {
      image-pushed = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Image Action"]
        detail      = { action-type = ["PUSH"], result = ["SUCCESS"], repository-name = ["board-images", "shop-images"] }
      }
      image-replicated = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Replication Action"]
        detail      = { result = ["SUCCESS"], repository-name = ["board-images", "shop-images"] }
      }
      rollout-requested = {
        source      = ["couplet"]
        detail-type = ["Rollout Requested"]
      }
      deployment-changed = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Deployment State Change"]
        resources = [
          "arn:aws:ecs:eu-west-1:123456789012:service/fence/board",
          "arn:aws:ecs:eu-west-1:123456789012:service/fence/shop",
        ]
      }
      service-impaired = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Service Action"]
        detail      = { eventType = ["ERROR"] }
        resources = [
          "arn:aws:ecs:eu-west-1:123456789012:service/fence/board",
          "arn:aws:ecs:eu-west-1:123456789012:service/fence/shop",
        ]
      }
      task-stopped = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          lastStatus = ["STOPPED"]
          group      = ["service:board", "service:shop"]
          clusterArn = ["arn:aws:ecs:eu-west-1:123456789012:cluster/fence"]
          "$or" = [
            { stopCode = ["TaskFailedToStart", "EssentialContainerExited"] },
            { stoppedReason = [{ prefix = "Task failed " }] },
          ]
        }
      }
    }
    error_message = "A rule's pattern is not the documented one."
  }

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.event : length(rule.event_pattern) <= 2048])
    error_message = "EventBridge takes patterns of at most 2,048 characters."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.sweep.schedule_expression == "rate(1 minute)"
    error_message = "The sweep must come every minute: what events lost is repaired by nothing else."
  }

  assert {
    condition = { for name, delivery in local.rules : name => delivery.function } == {
      image-pushed       = "rollout"
      image-replicated   = "rollout"
      rollout-requested  = "rollout"
      deployment-changed = "verdict"
      service-impaired   = "verdict"
      task-stopped       = "verdict"
    }
    error_message = "A rule leads to the wrong function."
  }

  # What is not handed over, and what fails, must end in the failure queue.

  assert {
    condition = alltrue([
      for name in concat(keys(aws_cloudwatch_event_rule.event), ["sweep"]) :
      length(aws_cloudwatch_event_target.function[name].dead_letter_config) == 1 &&
      length(aws_cloudwatch_event_target.function[name].retry_policy) == 1 &&
      aws_lambda_permission.rule[name].principal == "events.amazonaws.com"
    ])
    error_message = "A rule has no target with a dead-letter queue, or no right to invoke it."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.ledger.function_response_types == toset(["ReportBatchItemFailures"]) &&
      aws_lambda_event_source_mapping.ledger.bisect_batch_on_function_error &&
      aws_lambda_event_source_mapping.ledger.maximum_record_age_in_seconds < 86400 &&
      length(aws_lambda_event_source_mapping.ledger.destination_config[0].on_failure) == 1
    )
    error_message = "A change that GitHub refuses must stand alone, and end in the failure queue before the stream forgets it."
  }

  assert {
    condition = [for filter in one(aws_lambda_event_source_mapping.ledger.filter_criteria).filter : jsondecode(filter.pattern)] == [{
      eventName = ["INSERT", "MODIFY"]
      dynamodb  = { Keys = { sk = { S = [{ prefix = "rollout#" }] } } }
    }]
    error_message = "Only what happens to rollouts is told to GitHub."
  }

  # Who may do what: the whole list, so that a right too many is a failing test.

  assert {
    condition = toset(flatten(jsondecode(module.rollout.policy).Statement[*].Action)) == toset([
      "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
      "ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
      "ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:RegisterTaskDefinition", "ecs:TagResource", "ecs:UpdateService",
      "iam:PassRole",
    ])
    error_message = "rollout reads images, keeps the ledger and updates services, and nothing else."
  }

  assert {
    condition = toset(flatten(jsondecode(module.verdict.policy).Statement[*].Action)) == toset([
      "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
      "ecs:DescribeServices",
    ])
    error_message = "verdict keeps the ledger and reads services; it may never change ECS."
  }

  assert {
    condition = toset(flatten(jsondecode(module.report.policy).Statement[*].Action)) == toset([
      "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams",
      "ssm:GetParameter", "kms:Decrypt",
    ])
    error_message = "report follows the ledger's stream and reads the token; it may never touch ECS, ECR or the ledger's items."
  }

  # Only calls for which AWS knows no resource may be allowed on all of them.
  assert {
    condition = toset(flatten([
      for policy in [module.rollout.policy, module.verdict.policy, module.report.policy] : [
        for statement in jsondecode(policy).Statement : statement.Action if contains(flatten([statement.Resource]), "*")
      ]
    ])) == toset(["ecs:DescribeTaskDefinition", "dynamodb:ListStreams"])
    error_message = "A right is given on every resource that could be given on one."
  }

  # The statements that could run foreign code, whole.
  assert {
    condition = [
      for statement in jsondecode(module.rollout.policy).Statement : statement
      if contains(["UpdateServices", "PassTaskRoles", "RegisterRevisions"], statement.Sid)
      ] == [
      {
        Sid    = "RegisterRevisions"
        Effect = "Allow"
        Action = "ecs:RegisterTaskDefinition"
        Resource = [
          "arn:aws:ecs:eu-west-1:123456789012:task-definition/board:*",
          "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:*",
        ]
      },
      {
        Sid    = "UpdateServices"
        Effect = "Allow"
        Action = "ecs:UpdateService"
        Resource = [
          "arn:aws:ecs:eu-west-1:123456789012:service/fence/board",
          "arn:aws:ecs:eu-west-1:123456789012:service/fence/shop",
        ]
        Condition = { ArnLike = { "ecs:task-definition" = [
          "arn:aws:ecs:eu-west-1:123456789012:task-definition/board:*",
          "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:*",
        ] } }
      },
      {
        Sid    = "PassTaskRoles"
        Effect = "Allow"
        Action = "iam:PassRole"
        Resource = [
          "arn:aws:iam::123456789012:role/board-execution",
          "arn:aws:iam::123456789012:role/board-task",
          "arn:aws:iam::123456789012:role/shop-execution",
          "arn:aws:iam::123456789012:role/shop-task",
        ]
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ]
    error_message = "rollout may register the live families, pass the targets' own roles and update the targets' services, and no others."
  }

  assert {
    condition = [
      for statement in jsondecode(module.report.policy).Statement : statement.Resource if statement.Sid == "ReadToken"
    ] == ["arn:aws:ssm:eu-west-1:123456789012:parameter/couplet/github-token"]
    error_message = "report reads one parameter."
  }
}

run "service" {
  command = plan

  module {
    source = "./modules/service"
  }

  variables {
    cluster_name        = "fence"
    port                = 8080
    task_policy         = "{}"
    deletion_protection = true

    network = {
      vpc_id                     = "vpc-1"
      public_subnet_ids          = ["subnet-1", "subnet-2"]
      task_subnet_ids            = ["subnet-1", "subnet-2"]
      task_public_ip             = true
      balancer_security_group_id = "sg-1"
      task_security_group_id     = "sg-2"
    }
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "Without the circuit breaker ECS never says FAILED, and without its rollback a bad release stays."
  }

  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent == 200
    error_message = "Old tasks stay until new ones are healthy."
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 0
    error_message = "A new service has no image, so it must begin without tasks."
  }

  assert {
    condition     = aws_ecs_task_definition.template.family == "couplet-test-template" && output.target.family == "couplet-test" && output.target.template == "couplet-test-template"
    error_message = "Terraform owns <service>-template and rollouts own <service>."
  }

  assert {
    condition     = aws_ecs_task_definition.template.skip_destroy && aws_ecs_task_definition.template.track_latest != true
    error_message = "A template's older revisions must stay, and what others register must not be looked at."
  }

  assert {
    condition     = aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push
    error_message = "A tag means one image for ever, and images are scanned."
  }

  assert {
    condition = alltrue([
      for rule in jsondecode(aws_ecr_lifecycle_policy.this.policy).rules :
      rule.selection.tagStatus == "untagged" || (rule.selection.countType == "imageCountMoreThan" && rule.selection.countNumber >= 100)
    ])
    error_message = "Recent tagged images must stay: a rollback goes back to them."
  }

  assert {
    condition     = aws_lb.this.enable_deletion_protection && !aws_ecr_repository.this.force_delete
    error_message = "Protection must reach the balancer and the repository."
  }
}

run "ledger" {
  command = plan

  module {
    source = "./modules/ledger"
  }

  variables {
    deletion_protection = true

    targets = [{
      repository        = "images"
      cluster           = "fence"
      service           = "board"
      container         = "web"
      template          = "board-template"
      family            = "board"
      environment       = "production"
      github_repository = "owner/name"
      deadline_seconds  = 900
      first_count       = 2
      environment_url   = ""
      tag_policy        = { kind = "exact", pattern = "stable" }
    }]
  }

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
      tag_policy        = { M = { kind = { S = "exact" }, pattern = { S = "stable" } } }
      github_repository = { S = "owner/name" }
      deadline_seconds  = { N = "900" }
      first_count       = { N = "2" }
    }
    error_message = "A target's item is not what the ledger crate reads."
  }

  assert {
    condition     = aws_dynamodb_table.this.stream_view_type == "NEW_AND_OLD_IMAGES" && aws_dynamodb_table.this.point_in_time_recovery[0].enabled && aws_dynamodb_table.this.deletion_protection_enabled
    error_message = "The ledger must be streamed, restorable and protected."
  }
}

# The whole, with tasks in private subnets and a certificate.
run "everything" {
  command = plan

  variables {
    name              = "couplet"
    github_repository = "owner/name"
    nat               = "single"
    certificate_arn   = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    board_url         = "https://board.example.com"
  }

  assert {
    condition     = output.service == "couplet-production-board" && output.board_url == "https://board.example.com"
    error_message = "The outputs are what people and scripts rely on."
  }
}

# What is refused, with a sentence that says why.
run "refusals" {
  command = plan

  variables {
    name                   = "Couplet"
    github_repository      = "name"
    tag_policy             = { kind = "latest", pattern = "" }
    certificate_arn        = "arn:aws:acm:eu-west-1:123456789012:certificate/1"
    github_api_url         = "http://github.example.com"
    github_token_parameter = "token"
    vpc_cidr               = "10.0.0.0/30"
    first_count            = 0
    deadline_seconds       = 5
  }

  expect_failures = [
    var.name, var.github_repository, var.tag_policy, var.certificate_arn, var.github_api_url,
    var.github_token_parameter, var.vpc_cidr, var.first_count, var.deadline_seconds,
  ]
}
