# A role of its own for each function. Lambda's guide asks for this principal and documents no condition on it; none is
# needed, since a role can only be given to functions of its own account, by those who may pass it.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
resource "aws_iam_role" "this" {
  name = var.name

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

# What every function needs to run at all.
resource "aws_iam_role_policy" "runtime" {
  name = "runtime"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.this.arn}:*"
      },
      {
        Sid    = "WriteTraces"
        Effect = "Allow"
        Action = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        # X-Ray has no resources to name.
        Resource = "*"
      },
      {
        Sid      = "HandOverFailures"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = var.failure_queue_arn
      },
    ]
  })
}

# What this one is for.
resource "aws_iam_role_policy" "work" {
  name   = "work"
  role   = aws_iam_role.this.id
  policy = var.policy
}
