# Hears what changed in the ledger and tells GitHub. The only function that can read the GitHub credential, and one
# that can touch neither ECS nor ECR.
module "report" {
  source = "../function"

  name               = "${var.name}-report"
  description        = "Tells GitHub what the ledger says."
  package            = "${var.functions_dir}/report/bootstrap.zip"
  architecture       = var.architecture
  failure_queue_arn  = aws_sqs_queue.failures.arn
  log_retention_days = var.log_retention_days

  variables = {
    COUPLET_FAILURE_QUEUE_URL      = aws_sqs_queue.failures.url
    COUPLET_GITHUB_API_URL         = var.github.api_url
    COUPLET_GITHUB_TOKEN_PARAMETER = var.github.token_parameter
    COUPLET_BOARD_URL              = var.board_url
  }

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
        Sid      = "ReadToken"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = local.token_arn
      },
      {
        # Whichever key the parameter was written with, but for this one parameter and through SSM only. That the key
        # is not named here is what lets its owner change it.
        Sid      = "DecryptToken"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = "arn:${local.partition}:kms:${local.region}:${local.account}:key/*"
        Condition = {
          StringEquals = {
            "kms:ViaService"                      = "ssm.${local.region}.amazonaws.com"
            "kms:EncryptionContext:PARAMETER_ARN" = local.token_arn
          }
        }
      },
    ]
  })
}

# The ledger's stream, in order, one reader a shard. Only rollouts are told: heads, claims and targets move without
# anybody outside noticing.
resource "aws_lambda_event_source_mapping" "ledger" {
  event_source_arn  = var.table.stream_arn
  function_name     = module.report.arn
  starting_position = "TRIM_HORIZON"

  # A rollout's changes must reach GitHub in the order in which they happened. Default: 1, said here because it matters.
  parallelization_factor = 1

  # A change is six calls to GitHub, and nine when a release is live, and five changes fit into a run of thirty seconds.
  # Default: 100.
  batch_size = 5

  filter_criteria {
    filter {
      pattern = jsonencode({
        eventName = ["INSERT", "MODIFY"]
        dynamodb  = { Keys = { sk = { S = [{ prefix = "rollout#" }] } } }
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
