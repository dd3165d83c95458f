# What must stay true of the pipeline: who hears what, who may do what, what is tried again, and when a person is told.
# Patterns and policies are written out to the letter, so that a right too many is a failing test.
#
#     terraform init -backend=false && terraform test

mock_provider "aws" {
  source = "./tests/mocks"

  # For the runs that are applied: what is handed on must look like an ARN.
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mock" }
  }

  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:eu-west-1:123456789012:function:mock" }
  }

  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-west-1:123456789012:mock" }
  }

  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:eu-west-1:123456789012:rule/mock" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:mock" }
  }

  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-west-1:123456789012:mock" }
  }
}

variables {
  name               = "couplet-test"
  architecture       = "arm64"
  log_retention_days = 30
  functions_dir      = "tests/packages"
  board_url          = "https://board.example.com"

  github = {
    api_url         = "https://api.github.com"
    token_parameter = "/couplet/github-token"
  }

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

  templates = {
    board = "arn:aws:ecs:eu-west-1:123456789012:task-definition/board-template:7"
  }
}

# Who hears what, to the letter: a key too many and a rule never fires, a key too few and it fires for strangers.
run "rules" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

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
      image-scanned = {
        source      = ["aws.ecr"]
        detail-type = ["ECR Image Scan"]
        detail      = { repository-name = ["board-images", "shop-images"] }
      }
      rollout-requested = {
        source      = ["couplet"]
        detail-type = ["Rollout Requested"]
        detail      = { target = ["board", "shop"] }
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
      task-started = {
        source      = ["aws.ecs"]
        detail-type = ["ECS Task State Change"]
        detail = {
          lastStatus    = ["RUNNING"]
          desiredStatus = ["RUNNING"]
          group         = ["service:board", "service:shop"]
          clusterArn    = ["arn:aws:ecs:eu-west-1:123456789012:cluster/fence"]
        }
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
    condition     = alltrue([for rule in concat(values(aws_cloudwatch_event_rule.event), [aws_cloudwatch_event_rule.sweep]) : rule.state != "DISABLED"])
    error_message = "A rule that is switched off hears nothing."
  }

  assert {
    condition = { for name, permission in aws_lambda_permission.rule : name => permission.function_name } == {
      image-pushed       = "couplet-test-rollout"
      image-replicated   = "couplet-test-rollout"
      image-scanned      = "couplet-test-rollout"
      rollout-requested  = "couplet-test-rollout"
      deployment-changed = "couplet-test-verdict"
      service-impaired   = "couplet-test-verdict"
      task-started       = "couplet-test-verdict"
      task-stopped       = "couplet-test-verdict"
      sweep-rollout      = "couplet-test-rollout"
      sweep-verdict      = "couplet-test-verdict"
    }
    error_message = "A rule may invoke the wrong function."
  }

  # What is not handed over is tried for as long as nothing newer comes, and ends in the failure queue.

  assert {
    condition     = keys(aws_cloudwatch_event_target.function) == keys(aws_lambda_permission.rule)
    error_message = "A rule leads nowhere, or has no right to invoke what it leads to."
  }

  assert {
    condition = { for name, target in aws_cloudwatch_event_target.function : name => one(target.retry_policy) } == {
      image-pushed       = { maximum_event_age_in_seconds = 86400, maximum_retry_attempts = 185 }
      image-replicated   = { maximum_event_age_in_seconds = 86400, maximum_retry_attempts = 185 }
      image-scanned      = { maximum_event_age_in_seconds = 86400, maximum_retry_attempts = 185 }
      rollout-requested  = { maximum_event_age_in_seconds = 86400, maximum_retry_attempts = 185 }
      deployment-changed = { maximum_event_age_in_seconds = 3600, maximum_retry_attempts = 185 }
      service-impaired   = { maximum_event_age_in_seconds = 3600, maximum_retry_attempts = 185 }
      task-started       = { maximum_event_age_in_seconds = 60, maximum_retry_attempts = 185 }
      task-stopped       = { maximum_event_age_in_seconds = 3600, maximum_retry_attempts = 185 }
      sweep-rollout      = { maximum_event_age_in_seconds = 60, maximum_retry_attempts = 185 }
      sweep-verdict      = { maximum_event_age_in_seconds = 60, maximum_retry_attempts = 185 }
    }
    error_message = "A push and a request, which nothing repeats, are kept for a day; ECS's news for an hour; what the next minute says again for a minute."
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.function : length(target.dead_letter_config) == 1])
    error_message = "A rule has no dead-letter queue: what it cannot hand over would be gone."
  }

  assert {
    condition     = alltrue([for permission in aws_lambda_permission.rule : permission.principal == "events.amazonaws.com" && permission.action == "lambda:InvokeFunction"])
    error_message = "Rules, and nobody else, may invoke the functions."
  }
}

run "failures" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  assert {
    condition     = aws_sqs_queue.failures.name == "couplet-test-failures" && aws_sqs_queue.failures.message_retention_seconds == 1209600
    error_message = "What could not be done must wait for the two weeks that SQS can keep it."
  }

  assert {
    condition     = aws_sqs_queue.failures.sqs_managed_sse_enabled
    error_message = "The failure queue must be encrypted."
  }

  # From the ledger to GitHub: in order, one bad change alone, and given up before the stream forgets.
  assert {
    condition = (
      aws_lambda_event_source_mapping.ledger.function_response_types == toset(["ReportBatchItemFailures"]) &&
      aws_lambda_event_source_mapping.ledger.bisect_batch_on_function_error &&
      aws_lambda_event_source_mapping.ledger.parallelization_factor == 1 &&
      aws_lambda_event_source_mapping.ledger.maximum_retry_attempts == -1 &&
      aws_lambda_event_source_mapping.ledger.maximum_record_age_in_seconds == 21600 &&
      aws_lambda_event_source_mapping.ledger.starting_position == "TRIM_HORIZON" &&
      length(one(aws_lambda_event_source_mapping.ledger.destination_config).on_failure) == 1
    )
    error_message = "A change that GitHub refuses must stand alone, be tried for hours, and end in the failure queue before the stream forgets it."
  }

  assert {
    condition     = toset([for filter in one(aws_lambda_event_source_mapping.ledger.filter_criteria).filter : jsondecode(filter.pattern).eventName[0]]) == toset(["INSERT", "MODIFY"])
    error_message = "A rollout's first item is told, and what becomes of it."
  }

  assert {
    condition = alltrue([
      for filter in one(aws_lambda_event_source_mapping.ledger.filter_criteria).filter :
      jsondecode(filter.pattern).dynamodb.Keys == { sk = { S = [{ prefix = "rollout#" }] } }
    ])
    error_message = "Only what happens to rollouts is told to GitHub."
  }

  # What report itself notes of a rollout that has ended must not come back to it.
  assert {
    condition = [
      for filter in one(aws_lambda_event_source_mapping.ledger.filter_criteria).filter :
      jsondecode(filter.pattern).dynamodb.OldImage if jsondecode(filter.pattern).eventName == ["MODIFY"]
    ] == [{ stage = { S = [{ anything-but = ["ended"] }] } }]
    error_message = "What had ended before changes in nothing that is told."
  }
}

# Who may do what: each policy whole.
run "rights" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  assert {
    condition = jsondecode(module.rollout.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "ReadLedger"
          Effect   = "Allow"
          Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
          Resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
        },
        {
          Sid       = "KeepLedger"
          Effect    = "Allow"
          Action    = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
          Resource  = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["target#*"] } }
        },
        {
          Sid    = "ReadImages"
          Effect = "Allow"
          Action = ["ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
          Resource = [
            "arn:aws:ecr:eu-west-1:123456789012:repository/board-images",
            "arn:aws:ecr:eu-west-1:123456789012:repository/shop-images",
          ]
        },
        {
          Sid      = "ReadTaskDefinitions"
          Effect   = "Allow"
          Action   = "ecs:DescribeTaskDefinition"
          Resource = "*"
        },
        {
          Sid    = "ReadServices"
          Effect = "Allow"
          Action = ["ecs:DescribeServices", "ecs:ListServiceDeployments"]
          Resource = [
            "arn:aws:ecs:eu-west-1:123456789012:service/fence/board",
            "arn:aws:ecs:eu-west-1:123456789012:service/fence/shop",
          ]
        },
        {
          Sid    = "ReadServiceRevisions"
          Effect = "Allow"
          Action = "ecs:DescribeServiceRevisions"
          Resource = [
            "arn:aws:ecs:eu-west-1:123456789012:service-revision/fence/board/*",
            "arn:aws:ecs:eu-west-1:123456789012:service-revision/fence/shop/*",
          ]
        },
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
          Sid    = "TagNewRevisions"
          Effect = "Allow"
          Action = "ecs:TagResource"
          Resource = [
            "arn:aws:ecs:eu-west-1:123456789012:task-definition/board:*",
            "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop:*",
          ]
          Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
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
    }
    error_message = "rollout reads images, keeps the ledger, registers the live families, passes the targets' own roles and updates the targets' services, and nothing else."
  }

  assert {
    condition = jsondecode(module.verdict.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "ReadLedger"
          Effect   = "Allow"
          Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
          Resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
        },
        {
          Sid       = "KeepLedger"
          Effect    = "Allow"
          Action    = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
          Resource  = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["target#*"] } }
        },
        {
          Sid    = "ReadServices"
          Effect = "Allow"
          Action = ["ecs:DescribeServices", "ecs:ListServiceDeployments"]
          Resource = [
            "arn:aws:ecs:eu-west-1:123456789012:service/fence/board",
            "arn:aws:ecs:eu-west-1:123456789012:service/fence/shop",
          ]
        },
        {
          Sid    = "ReadServiceRevisions"
          Effect = "Allow"
          Action = "ecs:DescribeServiceRevisions"
          Resource = [
            "arn:aws:ecs:eu-west-1:123456789012:service-revision/fence/board/*",
            "arn:aws:ecs:eu-west-1:123456789012:service-revision/fence/shop/*",
          ]
        },
      ]
    }
    error_message = "verdict keeps the ledger and reads services; it may never change ECS."
  }

  assert {
    condition = jsondecode(module.report.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "FollowLedger"
          Effect   = "Allow"
          Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
          Resource = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger/stream/2026-11-23T00:00:00.000"
        },
        {
          Sid      = "FindStream"
          Effect   = "Allow"
          Action   = "dynamodb:ListStreams"
          Resource = "*"
        },
        {
          Sid       = "NoteWhatGitHubKnows"
          Effect    = "Allow"
          Action    = "dynamodb:UpdateItem"
          Resource  = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["target#*", "github"] } }
        },
        {
          Sid       = "ReadGitHubsLimit"
          Effect    = "Allow"
          Action    = "dynamodb:GetItem"
          Resource  = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"
          Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["github"] } }
        },
        {
          Sid      = "AnnounceChanges"
          Effect   = "Allow"
          Action   = "events:PutEvents"
          Resource = "arn:aws:events:eu-west-1:123456789012:event-bus/default"
          Condition = {
            StringEquals = {
              "events:source"      = "couplet"
              "events:detail-type" = "Couplet Rollout State Change"
            }
          }
        },
        {
          Sid      = "ReadSecret"
          Effect   = "Allow"
          Action   = "ssm:GetParameter"
          Resource = "arn:aws:ssm:eu-west-1:123456789012:parameter/couplet/github-token"
        },
        {
          Sid      = "DecryptSecret"
          Effect   = "Allow"
          Action   = "kms:Decrypt"
          Resource = "arn:aws:kms:eu-west-1:123456789012:key/*"
          Condition = {
            StringEquals = {
              "kms:ViaService"                      = "ssm.eu-west-1.amazonaws.com"
              "kms:EncryptionContext:PARAMETER_ARN" = "arn:aws:ssm:eu-west-1:123456789012:parameter/couplet/github-token"
            }
          }
        },
      ]
    }
    error_message = "report follows the ledger's stream, reads one parameter, notes what GitHub knows and announces changes; it may never touch ECS or ECR, nor ask for a rollout."
  }

  assert {
    condition     = [module.rollout.variables, module.verdict.variables] == [for _ in range(2) : tomap({ COUPLET_LEDGER_TABLE = "ledger" })]
    error_message = "Without other installations there is one ledger."
  }
}

# As a GitHub App, and with another installation to promote from: the rights that differ.
run "app_and_promotions" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  variables {
    github = {
      api_url = "https://github.example.com/api/v3"
      app     = { id = "1234567", key_parameter = "/couplet/app-key" }
    }
    other_ledgers = ["couplet-staging-ledger", "couplet-trial-ledger"]
  }

  assert {
    condition = (
      module.report.variables.COUPLET_GITHUB_APP_ID == "1234567" &&
      module.report.variables.COUPLET_GITHUB_APP_KEY_PARAMETER == "/couplet/app-key" &&
      !contains(keys(module.report.variables), "COUPLET_GITHUB_TOKEN_PARAMETER")
    )
    error_message = "report must be told of one identity and of no other."
  }

  assert {
    condition     = [for it in jsondecode(module.report.policy).Statement : it.Resource if it.Sid == "ReadSecret"] == ["arn:aws:ssm:eu-west-1:123456789012:parameter/couplet/app-key"]
    error_message = "The one secret that report may read is the App's key."
  }

  assert {
    condition     = module.rollout.variables.COUPLET_OTHER_LEDGER_TABLES == "couplet-staging-ledger,couplet-trial-ledger"
    error_message = "rollout must know where else a release may have succeeded."
  }

  assert {
    condition = [for it in jsondecode(module.rollout.policy).Statement : it if it.Sid == "ReadOtherLedgers"] == [{
      Sid    = "ReadOtherLedgers"
      Effect = "Allow"
      Action = ["dynamodb:GetItem", "dynamodb:Query"]
      Resource = [
        "arn:aws:dynamodb:eu-west-1:123456789012:table/couplet-staging-ledger",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/couplet-trial-ledger",
      ]
    }]
    error_message = "Other installations' ledgers are read and nothing else."
  }
}

run "two_identities_are_refused" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  variables {
    github = {
      api_url         = "https://api.github.com"
      token_parameter = "/couplet/github-token"
      app             = { id = "1234567", key_parameter = "/couplet/app-key" }
    }
  }

  expect_failures = [var.github]
}

# A changed template asks for its rollout. The input is all that decides when: whatever would differ in every plan, such
# as a time, would call every time.
run "template" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  assert {
    condition     = keys(aws_lambda_invocation.template) == ["board"]
    error_message = "Every template that is given is asked for, and no other."
  }

  assert {
    condition = jsondecode(aws_lambda_invocation.template["board"].input) == {
      version     = "0"
      id          = "template/arn:aws:ecs:eu-west-1:123456789012:task-definition/board-template:7"
      source      = "couplet"
      detail-type = "Rollout Requested"
      account     = "123456789012"
      region      = "eu-west-1"
      resources   = []
      detail = {
        action = "redeploy"
        target = "board"
        by     = "terraform"
        why    = "template board-template:7"
      }
    }
    error_message = "The input must be the event that rollout understands, and one template must make one request."
  }

  assert {
    condition     = aws_lambda_invocation.template["board"].function_name == "couplet-test-rollout"
    error_message = "Only rollout carries out requests."
  }

  assert {
    condition     = aws_lambda_invocation.template["board"].lifecycle_scope != "CRUD"
    error_message = "Destroying must not ask for a rollout."
  }
}

# When a person is told. Applied, because what an alarm leads to is known only then; there is still no AWS.
run "alarms" {
  command = apply

  module {
    source = "./modules/pipeline"
  }

  assert {
    condition = toset([for alarm in values(aws_cloudwatch_metric_alarm.happened) : alarm.alarm_name]) == toset([
      "couplet-test-failures", "couplet-test-timed-out", "couplet-test-swept", "couplet-test-behind",
      "couplet-test-rollout-errors", "couplet-test-verdict-errors", "couplet-test-report-errors",
    ])
    error_message = "An alarm is missing, or nobody has said here what it is for."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.happened), [aws_cloudwatch_metric_alarm.stands_still]) :
      alarm.alarm_actions == toset([aws_sns_topic.alarms.arn]) && alarm.actions_enabled != false
    ])
    error_message = "An alarm that tells nobody is none."
  }

  # A person who is woken by it has these sentences and nothing else.
  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.happened), [aws_cloudwatch_metric_alarm.stands_still]) :
      length(regexall("First|first", alarm.alarm_description)) == 1 && endswith(alarm.alarm_description, ".") && length(alarm.alarm_description) <= 1024
    ])
    error_message = "An alarm must say in sentences what to do first, in at most the 1,024 characters that CloudWatch keeps."
  }

  assert {
    condition     = alltrue([for alarm in values(aws_cloudwatch_metric_alarm.happened) : alarm.treat_missing_data == "notBreaching"])
    error_message = "These metrics come only when something happened: silence must be well."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.stands_still.treat_missing_data == "breaching"
    error_message = "A sweep that never runs sends nothing: there silence must be the fault."
  }

  # Which metric, of what, and how much of it in how many seconds.
  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.happened : name => join(" ", flatten([
      alarm.namespace, alarm.metric_name, values(coalesce(alarm.dimensions, {})),
      alarm.statistic, alarm.comparison_operator, alarm.threshold, "in", alarm.evaluation_periods, "x", alarm.period,
      ])) } == {
      failures       = "AWS/SQS ApproximateNumberOfMessagesVisible couplet-test-failures Maximum GreaterThanThreshold 0 in 1 x 60"
      timed-out      = "Couplet/couplet-test timed-out Sum GreaterThanThreshold 0 in 1 x 60"
      swept          = "Couplet/couplet-test swept Sum GreaterThanThreshold 0 in 1 x 60"
      behind         = "AWS/Lambda IteratorAge couplet-test-report Maximum GreaterThanThreshold 300000 in 1 x 300"
      rollout-errors = "AWS/Lambda Errors couplet-test-rollout Sum GreaterThanThreshold 0 in 1 x 300"
      verdict-errors = "AWS/Lambda Errors couplet-test-verdict Sum GreaterThanThreshold 0 in 1 x 300"
      report-errors  = "AWS/Lambda Errors couplet-test-report Sum GreaterThanThreshold 0 in 1 x 300"
    }
    error_message = "An alarm looks at something else, or waits longer, than it should."
  }

  assert {
    condition = join(" ", flatten([
      aws_cloudwatch_metric_alarm.stands_still.namespace,
      aws_cloudwatch_metric_alarm.stands_still.metric_name,
      values(aws_cloudwatch_metric_alarm.stands_still.dimensions),
      aws_cloudwatch_metric_alarm.stands_still.statistic,
      aws_cloudwatch_metric_alarm.stands_still.comparison_operator,
      aws_cloudwatch_metric_alarm.stands_still.threshold, "in",
      aws_cloudwatch_metric_alarm.stands_still.evaluation_periods, "x",
      aws_cloudwatch_metric_alarm.stands_still.period,
    ])) == "AWS/Lambda Invocations couplet-test-verdict Sum LessThanThreshold 1 in 1 x 300"
    error_message = "Five minutes without a run of verdict must be told."
  }

  # What the alarms count, in CloudWatch's own words: a key with a dot in it is selected in brackets.
  assert {
    condition = { for name, filter in aws_cloudwatch_log_metric_filter.counted : name => "${one(filter.metric_transformation).name} in ${filter.log_group_name}: ${filter.pattern}" } == {
      timed-out     = "timed-out in /aws/lambda/couplet-test-verdict: { $.['rollout.verdict'] = \"timed_out\" }"
      verdict-swept = "swept in /aws/lambda/couplet-test-verdict: { ($.['rollout.found_by'] = \"sweep\") && ($.['rollout.verdict'] != \"timed_out\") }"
      rollout-swept = "swept in /aws/lambda/couplet-test-rollout: { $.['rollout.found_by'] = \"sweep\" }"
    }
    error_message = "A filter does not select what the functions write, or counts into a metric that no alarm looks at."
  }

  assert {
    condition = alltrue([
      for filter in aws_cloudwatch_log_metric_filter.counted :
      one(filter.metric_transformation).namespace == "Couplet/couplet-test" &&
      one(filter.metric_transformation).value == "1"
    ])
    error_message = "Each line counts once, under this installation's name."
  }

  assert {
    condition = jsondecode(aws_sns_topic.alarms.policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "AlarmsPublish"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = "arn:aws:sns:eu-west-1:123456789012:couplet-test-alarms"
        Condition = {
          StringEquals = { "aws:SourceAccount" = "123456789012" }
          ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:couplet-test-*" }
        }
      }]
    }
    error_message = "The alarms of this installation publish, and nobody from outside."
  }

  # CloudWatch cannot publish to a topic that is encrypted with the key of AWS: an alarm would be lost in silence.
  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id != "alias/aws/sns"
    error_message = "The topic's key must be one that CloudWatch may use."
  }

  # By the rule's own ARN and by nothing wider.
  assert {
    condition = (
      { for name, permission in aws_lambda_permission.rule : name => permission.source_arn } ==
      merge(
        { for name, rule in aws_cloudwatch_event_rule.event : name => rule.arn },
        { for name in ["sweep-rollout", "sweep-verdict"] : name => aws_cloudwatch_event_rule.sweep.arn },
      )
    )
    error_message = "A rule may invoke a function only in its own name."
  }

  assert {
    condition     = alltrue([for target in aws_cloudwatch_event_target.function : one(target.dead_letter_config).arn == aws_sqs_queue.failures.arn])
    error_message = "What a rule cannot hand over must go to the failure queue."
  }

  assert {
    condition = jsondecode(aws_sqs_queue.failures.policy) == {
      Version = "2012-10-17"
      Statement = [{
        Sid       = "RulesHandOver"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = "arn:aws:sqs:eu-west-1:123456789012:couplet-test-failures"
        Condition = {
          ArnEquals = { "aws:SourceArn" = concat(values(aws_cloudwatch_event_rule.event)[*].arn, [aws_cloudwatch_event_rule.sweep.arn]) }
        }
      }]
    }
    error_message = "Into the failure queue write the functions by their roles, and these rules."
  }

  assert {
    condition     = length(output.alarm_arns) == 8
    error_message = "The dashboard must show every alarm."
  }
}

# One function, as all three are made.
run "function" {
  command = apply

  module {
    source = "./modules/function"
  }

  variables {
    name              = "couplet-test-verdict"
    description       = "Writes how each rollout ended."
    package           = "tests/packages/verdict/bootstrap.zip"
    variables         = { COUPLET_LEDGER_TABLE = "ledger" }
    policy            = jsonencode({ Version = "2012-10-17", Statement = [] })
    failure_queue_arn = "arn:aws:sqs:eu-west-1:123456789012:couplet-test-failures"
  }

  assert {
    condition = jsondecode(aws_iam_role.this.assume_role_policy) == {
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = "lambda.amazonaws.com" }
      }]
    }
    error_message = "Lambda, and nobody else, runs as a function."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.runtime.policy) == {
      Version = "2012-10-17"
      Statement = [
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${aws_cloudwatch_log_group.this.arn}:*"
        },
        {
          Sid      = "WriteTraces"
          Effect   = "Allow"
          Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
          Resource = "*"
        },
        {
          Sid      = "HandOverFailures"
          Effect   = "Allow"
          Action   = "sqs:SendMessage"
          Resource = "arn:aws:sqs:eu-west-1:123456789012:couplet-test-failures"
        },
      ]
    }
    error_message = "To run, a function writes its own log, its traces and its failures, and nothing else."
  }

  assert {
    condition     = aws_iam_role_policy.work.policy == "{\"Statement\":[],\"Version\":\"2012-10-17\"}"
    error_message = "A function may do what it is given, and no more."
  }

  assert {
    condition = one(aws_lambda_function.this.environment).variables == tomap({
      COUPLET_LEDGER_TABLE = "ledger"
      AWS_SDK_UA_APP_ID    = "couplet-test-verdict"
    })
    error_message = "A function gets its settings, and says its name in every call, and nothing else is in its environment."
  }

  assert {
    condition     = aws_lambda_function.this.runtime == "provided.al2023" && aws_lambda_function.this.architectures == tolist(["arm64"])
    error_message = "A function is a program of its own for arm64 on Amazon Linux 2023."
  }

  assert {
    condition     = one(aws_lambda_function.this.tracing_config).mode == "Active" && one(aws_lambda_function.this.logging_config).log_format == "JSON"
    error_message = "Every run leaves a trace, and every line of the log is JSON."
  }

  # 45 seconds after it began, a rollout that was left half-done is carried on: no run may still be at it then.
  assert {
    condition     = aws_lambda_function.this.timeout < 45
    error_message = "A run must end before another carries on what it left."
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.name == "/aws/lambda/couplet-test-verdict" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "Logs are kept for as long as was asked, and not for ever."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.this.maximum_retry_attempts == 2 &&
      one(one(aws_lambda_function_event_invoke_config.this.destination_config).on_failure).destination == "arn:aws:sqs:eu-west-1:123456789012:couplet-test-failures"
    )
    error_message = "What a function fails on three times must end in the failure queue."
  }
}

# What is refused.

run "template_of_no_target" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  variables {
    templates = { cellar = "arn:aws:ecs:eu-west-1:123456789012:task-definition/cellar-template:1" }
  }

  expect_failures = [var.templates]
}

run "two_services_of_one_name" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  variables {
    targets = [
      { repository = "a", repository_arn = "arn:aws:ecr:eu-west-1:123456789012:repository/a", cluster = "one", service = "board", family = "board", role_arns = [] },
      { repository = "b", repository_arn = "arn:aws:ecr:eu-west-1:123456789012:repository/b", cluster = "two", service = "board", family = "board", role_arns = [] },
    ]
  }

  expect_failures = [var.targets]
}

run "a_parameter_that_is_no_path" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  variables {
    github = { api_url = "https://api.github.com/", token_parameter = "token" }
  }

  expect_failures = [var.github]
}
