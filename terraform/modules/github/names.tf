data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# What this Terraform makes, by the names that it gives. Most of AWS can be fenced in by a name; what only gets a number
# there is listed beside.
locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  prefixes = { for environment in keys(var.environments) : environment => "${var.name}-${environment}" }

  # What carries the environment in its name. The cluster and the dashboard have nothing behind it, log groups have the
  # service's path before it, and a service's deployments and revisions are called after it.
  named = { for environment, prefix in local.prefixes : environment => concat(
    [
      "arn:${local.partition}:s3:::${prefix}-*",
      "arn:${local.partition}:cloudwatch::${local.account}:dashboard/${prefix}*",
    ],
    [for resource in [
      "cloudwatch:%s:alarm:${prefix}-*",
      "dynamodb:%s:table/${prefix}-*",
      "ecr:%s:repository/${prefix}-*",
      "ecs:%s:cluster/${prefix}*",
      "ecs:%s:service*/${prefix}*",
      "ecs:%s:task-definition/${prefix}-*",
      "elasticloadbalancing:%s:listener/app/${prefix}-*",
      "elasticloadbalancing:%s:listener-rule/app/${prefix}-*",
      "elasticloadbalancing:%s:loadbalancer/app/${prefix}-*",
      "elasticloadbalancing:%s:targetgroup/${prefix}-*",
      "events:%s:rule/${prefix}-*",
      "lambda:%s:function:${prefix}-*",
      "logs:%s:log-group:/*/${prefix}*",
      "sns:%s:${prefix}-*",
      "sqs:%s:${prefix}-*",
    ] : "arn:${local.partition}:${format(resource, "${local.region}:${local.account}")}"],
  ) }

  # IAM is apart: it is looked at by name like the rest, and changed only call by call.
  role_arns = { for environment, prefix in local.prefixes : environment => "arn:${local.partition}:iam::${local.account}:role/${prefix}-*" }

  # What AWS gives a number of its own. These say whose account, and no more.
  certificates   = "arn:${local.partition}:acm:${local.region}:${local.account}:certificate/*"
  keys           = "arn:${local.partition}:kms:${local.region}:${local.account}:key/*"
  mappings       = "arn:${local.partition}:lambda:${local.region}:${local.account}:event-source-mapping:*"
  scaling        = "arn:${local.partition}:application-autoscaling:${local.region}:${local.account}:scalable-target/*"
  vpcs           = "arn:${local.partition}:ec2:${local.region}:${local.account}:vpc/*"
  zones          = "arn:${local.partition}:route53:::hostedzone/*"
  zone_change    = "arn:${local.partition}:route53:::change/*"
  service_linked = "arn:${local.partition}:iam::${local.account}:role/aws-service-role/*"

  # The states, and what must stay as it is whatever a job does.
  bucket_arn = "arn:${local.partition}:s3:::${var.state_bucket}"
  state_arns = { for environment in keys(var.environments) : environment => "${local.bucket_arn}/${environment}/terraform.tfstate" }
  ci_arns    = "arn:${local.partition}:iam::${local.account}:role/${var.name}-ci-*"

  # An hour: the default, the least that a role can have, and enough for the longest apply. Said here because a longer
  # one is a longer life for credentials that got lost.
  session_seconds = 3600
}
