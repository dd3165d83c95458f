# Hears how deployments go, asks once a minute what no event told, and writes how each rollout ended. It reads ECS and
# changes nothing there.
module "verdict" {
  source = "../function"

  name               = "${var.name}-verdict"
  description        = "Writes how each rollout ended."
  package            = "${var.functions_dir}/verdict/bootstrap.zip"
  architecture       = var.architecture
  failure_queue_arn  = aws_sqs_queue.failures.arn
  log_retention_days = var.log_retention_days

  variables = {
    COUPLET_LEDGER_TABLE = var.table.name
  }

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.ledger_statements, [
      {
        Sid      = "ReadServices"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServices", "ecs:ListServiceDeployments"]
        Resource = local.service_arns
      },
      {
        # Which of the service's past deployments ECS has given up.
        Sid      = "ReadServiceRevisions"
        Effect   = "Allow"
        Action   = "ecs:DescribeServiceRevisions"
        Resource = local.service_revision_arns
      },
    ])
  })
}
