data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# ARNs that follow from names. Taken from the names and not from the things, so that rules and rights are there before
# the service is, and no event of its first minute is missed.
locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  ecs = "arn:${local.partition}:ecs:${local.region}:${local.account}"

  cluster_arns          = distinct([for target in var.targets : "${local.ecs}:cluster/${target.cluster}"])
  service_arns          = [for target in var.targets : "${local.ecs}:service/${target.cluster}/${target.service}"]
  service_revision_arns = [for target in var.targets : "${local.ecs}:service-revision/${target.cluster}/${target.service}/*"]
  revision_arns         = [for target in var.targets : "${local.ecs}:task-definition/${target.family}:*"]
  repositories          = distinct(var.targets[*].repository)

  other_ledger_arns = [for table in var.other_ledgers : "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${table}"]
  bus_arn           = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/default"

  # What proves to GitHub who speaks: a token, or an App's key.
  secret            = coalesce(var.github.token_parameter, try(var.github.app.key_parameter, null))
  secret_arn        = "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${local.secret}"
  failure_queue     = "${var.name}-failures"
  failure_queue_arn = "arn:${local.partition}:sqs:${local.region}:${local.account}:${local.failure_queue}"

  # Reads by key and writes under a condition, in transactions, which need the rights of their parts. No scan and no
  # deletion: the ledger only grows. Targets are read and never written: they are Terraform's.
  ledger_statements = [
    {
      Sid      = "ReadLedger"
      Effect   = "Allow"
      Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
      Resource = var.table.arn
    },
    {
      Sid       = "KeepLedger"
      Effect    = "Allow"
      Action    = ["dynamodb:PutItem", "dynamodb:UpdateItem"]
      Resource  = var.table.arn
      Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["target#*"] } }
    },
  ]

  # Whether a release that is to be promoted has succeeded in another installation.
  other_ledger_statements = length(var.other_ledgers) == 0 ? [] : [{
    Sid      = "ReadOtherLedgers"
    Effect   = "Allow"
    Action   = ["dynamodb:GetItem", "dynamodb:Query"]
    Resource = local.other_ledger_arns
  }]
}
