# One Rust function: a program named `bootstrap` on Amazon Linux 2023, in a zip.
resource "aws_lambda_function" "this" {
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn

  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)

  # Processor time comes with memory. At 128 MB the first TLS handshake alone takes most of a second, at 512 a fifth
  # of one; the memory itself is hardly touched. Default: 128.
  memory_size = 512

  # A run is a handful of calls of some ten milliseconds each. Thirty seconds leave room for the SDK's retries and for
  # a slow GitHub, and end a run that hangs while its event can still be tried again. Default: 3.
  timeout = 30

  environment {
    variables = var.variables
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

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/lambda/${var.name}"
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
