# Hears what changed in the ledger and tells GitHub, and the bus. The only function that can read the GitHub credential,
# and one that can touch neither ECS nor ECR.
module "report" {
  source = "../function"

  name               = "${var.name}-report"
  description        = "Tells GitHub what the ledger says."
  package            = "${var.functions_dir}/report/bootstrap.zip"
  architecture       = var.architecture
  failure_queue_arn  = aws_sqs_queue.failures.arn
  log_retention_days = var.log_retention_days

  variables = merge(local.identity, {
    COUPLET_LEDGER_TABLE      = var.table.name
    COUPLET_FAILURE_QUEUE_URL = aws_sqs_queue.failures.url
    COUPLET_GITHUB_API_URL    = var.github.api_url
    COUPLET_BOARD_URL         = var.board_url
  })

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FollowLedger"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        Resource = var.table.stream_arn
      },
      {
        Sid    = "FindStream"
        Effect = "Allow"
        Action = "dynamodb:ListStreams"
        # Lambda demands it of whoever follows a stream, and AWS knows no resource for it.
        Resource = "*"
      },
      {
        # On a rollout, what GitHub was told; and beside all targets, until when GitHub asks to be left alone, which the
        # instances of this function tell each other.
        Sid       = "NoteWhatGitHubKnows"
        Effect    = "Allow"
        Action    = "dynamodb:UpdateItem"
        Resource  = var.table.arn
        Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["target#*", "github"] } }
      },
      {
        Sid       = "ReadGitHubsLimit"
        Effect    = "Allow"
        Action    = "dynamodb:GetItem"
        Resource  = var.table.arn
        Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["github"] } }
      },
      {
        # This one event, so that nobody can ask for a rollout in its name.
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
        Sid      = "AnnounceChanges"
        Effect   = "Allow"
        Action   = "events:PutEvents"
        Resource = local.bus_arn
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
        Resource = local.secret_arn
      },
      {
        # Whichever key the parameter was written with, but for this one parameter and through SSM only. That the key
        # is not named here is what lets its owner change it.
        Sid      = "DecryptSecret"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = "arn:${local.partition}:kms:${local.region}:${local.account}:key/*"
        Condition = {
          StringEquals = {
            "kms:ViaService"                      = "ssm.${local.region}.amazonaws.com"
            "kms:EncryptionContext:PARAMETER_ARN" = local.secret_arn
          }
        }
      },
    ]
  })
}

locals {
  as_person = { COUPLET_GITHUB_TOKEN_PARAMETER = local.secret }
  as_app    = { COUPLET_GITHUB_APP_ID = try(var.github.app.id, ""), COUPLET_GITHUB_APP_KEY_PARAMETER = local.secret }

  # Who speaks to GitHub.
  identity = var.github.app == null ? local.as_person : local.as_app
}

# The ledger's stream, in order, one reader a shard. Only rollouts are told: heads, claims and targets move without
# anybody outside noticing. Of a rollout that had ended before, only one thing changes still: that GitHub was told.
resource "aws_lambda_event_source_mapping" "ledger" {
  event_source_arn  = var.table.stream_arn
  function_name     = module.report.arn
  starting_position = "TRIM_HORIZON"

  # A rollout's changes must reach GitHub in the order in which they happened. Default: 1, said here because it matters.
  parallelization_factor = 1

  # A change is at most six calls to GitHub, nine when a release is live and two more for an App's token, and five changes
  # fit into a run of thirty seconds. Default: 100.
  batch_size = 5

  filter_criteria {
    filter {
      pattern = jsonencode({
        eventName = ["INSERT"]
        dynamodb  = { Keys = { sk = { S = [{ prefix = "rollout#" }] } } }
      })
    }

    filter {
      pattern = jsonencode({
        eventName = ["MODIFY"]
        dynamodb = {
          Keys     = { sk = { S = [{ prefix = "rollout#" }] } }
          OldImage = { stage = { S = [{ anything-but = ["ended"] }] } }
        }
      })
    }
  }

  # The function says from which record on it failed; if it cannot say, the batch is halved until the bad one stands
  # alone. Defaults: the whole batch again.
  function_response_types        = ["ReportBatchItemFailures"]
  bisect_batch_on_function_error = true

  # Tried for six hours, however often that is: an outage of GitHub is counted in hours, not in attempts. What is
  # given up then is named in the failure queue by its place in the stream, where it can be read for another eighteen.
  # Default: for 24 hours, and then gone without a word.
  maximum_retry_attempts        = -1
  maximum_record_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.failures.arn
    }
  }
}
