# One Rust function: a program named `bootstrap` on Amazon Linux 2023, in a zip.
resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_115:Reserving takes from the account's limit, which is ten in a new account, and would make AWS refuse the apply.
  # checkov:skip=CKV_AWS_116:The destination below gets every event that failed, and the error with it, which a dead-letter queue does not.
  # checkov:skip=CKV_AWS_117:It calls public addresses only (AWS and GitHub); in a VPC it would need a NAT gateway to reach them.
  # checkov:skip=CKV_AWS_173:The variables hold names and addresses and nothing secret; Lambda encrypts them with its own key.
  # checkov:skip=CKV_AWS_272:Whoever applies builds the zip, so the key to sign it would lie in the same hands.

  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn

  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)

  # Processor time comes with memory: 512 MB are three tenths of a processor, and a cold rollout, which needs some 7 ms
  # of a whole one, still begins at once. The memory itself is hardly touched. Default: 128.
  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
  memory_size = 512

  # A run is a handful of calls of some ten milliseconds each. Thirty seconds leave room for the SDK's retries and for
  # a slow GitHub, and end a run that hangs while its event can still be tried again. Default: 3.
  timeout = 30

  # The SDK says this name in the user agent of every call, so CloudTrail shows which function made it. Default: none.
  # https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html
  environment {
    variables = merge(var.variables, { AWS_SDK_UA_APP_ID = var.name })
  }

  # The functions write one JSON object a line; this makes Lambda's own lines the same. Default: Text.
  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # Every run leaves a trace if the caller did not decide otherwise. Default: PassThrough.
  tracing_config {
    mode = "Active"
  }

  # Lambda refuses tracing by a role that may not trace, and makes a log group without retention if there is none.
  depends_on = [aws_iam_role_policy.runtime]
}

# Made here and not by Lambda, which would keep it for ever.
resource "aws_cloudwatch_log_group" "this" {
  # checkov:skip=CKV_AWS_158:Logs say what was rolled out and why, and no secret; CloudWatch encrypts them with its own key.
  # checkov:skip=CKV_AWS_338:How long logs are kept is the user's choice; what must outlive them is in the ledger.

  name = "/aws/lambda/${var.name}"

  # Default: 0, for ever.
  retention_in_days = var.log_retention_days
}

# EventBridge hands events over and forgets them. What the function then fails on is tried twice more, after one minute
# and after two, and ends in the failure queue instead of nowhere; six hours are for runs that Lambda itself throttled.
# Both numbers are the defaults and the most there is.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600

  destination_config {
    on_failure {
      destination = var.failure_queue_arn
    }
  }

  # Lambda checks that the role may write to the destination.
  depends_on = [aws_iam_role_policy.runtime]
}
