data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

# Who talked to whom, and who was turned away: the first question after every incident. About $0.50 for each GB of
# lines; a line stands for ten minutes of one conversation.
resource "aws_flow_log" "this" {
  vpc_id          = aws_vpc.this.id
  traffic_type    = "ALL"
  log_destination = aws_cloudwatch_log_group.flow_logs.arn
  iam_role_arn    = aws_iam_role.flow_logs.arn

  tags = local.tags

  # Lines that may not be written yet are lost.
  depends_on = [aws_iam_role_policy.flow_logs]
}

resource "aws_cloudwatch_log_group" "flow_logs" {
  # checkov:skip=CKV_AWS_158:CloudWatch encrypts at rest by itself; a key of our own costs $1 a month and keeps out nobody whom IAM lets in.
  # checkov:skip=CKV_AWS_338:How long logs are kept is a setting, and a year of flow logs is not the sane default.
  name              = "/vpc/${var.name}"
  retention_in_days = var.log_retention_days
}

# Flow logs of this account and region may assume the role, and nobody else's.
# https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
resource "aws_iam_role" "flow_logs" {
  name = "${var.name}-flow-logs"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        ArnLike = {
          "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:ec2:${data.aws_region.current.id}:${data.aws_caller_identity.current.account_id}:vpc-flow-log/*"
        }
      }
    }]
  })
}

# The actions that the page above asks for, without the right to make log groups: the one there is, is ours.
resource "aws_iam_role_policy" "flow_logs" {
  name = "write-logs"
  role = aws_iam_role.flow_logs.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.flow_logs.arn}:*"
    }]
  })
}
