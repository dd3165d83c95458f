# Hears that there may be a new release, and brings it to its targets. The only function that may change ECS.
module "rollout" {
  source = "../function"

  name               = "${var.name}-rollout"
  description        = "Brings pushed images to the services that follow them."
  package            = "${var.functions_dir}/rollout/bootstrap.zip"
  architecture       = var.architecture
  failure_queue_arn  = aws_sqs_queue.failures.arn
  log_retention_days = var.log_retention_days

  variables = merge(
    { COUPLET_LEDGER_TABLE = var.table.name },
    length(var.other_ledgers) == 0 ? {} : { COUPLET_OTHER_LEDGER_TABLES = join(",", var.other_ledgers) },
  )

  # Whoever registers task definitions and passes roles can run any code with these roles. So: only the live families,
  # only the targets' own roles, and a service only ever gets a revision of a target's family.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(local.ledger_statements, local.other_ledger_statements, [
      {
        Sid      = "ReadImages"
        Effect   = "Allow"
        Action   = ["ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = var.targets[*].repository_arn
      },
      {
        Sid    = "ReadTaskDefinitions"
        Effect = "Allow"
        Action = "ecs:DescribeTaskDefinition"
        # AWS knows no resource for this call.
        Resource = "*"
      },
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
      {
        Sid      = "RegisterRevisions"
        Effect   = "Allow"
        Action   = "ecs:RegisterTaskDefinition"
        Resource = local.revision_arns
      },
      {
        # A revision carries its commit, digest and rollout as tags from its first moment, and never gets others later.
        Sid       = "TagNewRevisions"
        Effect    = "Allow"
        Action    = "ecs:TagResource"
        Resource  = local.revision_arns
        Condition = { StringEquals = { "ecs:CreateAction" = "RegisterTaskDefinition" } }
      },
      {
        Sid       = "UpdateServices"
        Effect    = "Allow"
        Action    = "ecs:UpdateService"
        Resource  = local.service_arns
        Condition = { ArnLike = { "ecs:task-definition" = local.revision_arns } }
      },
      {
        Sid       = "PassTaskRoles"
        Effect    = "Allow"
        Action    = "iam:PassRole"
        Resource  = flatten(var.targets[*].role_arns)
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
    ])
  })
}
