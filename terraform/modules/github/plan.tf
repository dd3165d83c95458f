# Says of a pull request, and of what is merged, what would change. Whoever can open one from a branch decides what runs
# here, so the
# role may see how things are set up and never what is in them: no parameter, no secret, no decryption, no item but
# the targets, no object but the state, no image, no line of a log.
#
# AWS's own ReadOnlyAccess is not that: it reads parameters, and a SecureString under the account's default key comes
# back in clear, which is the GitHub token.
#
# Three things it sees are still more than settings. The state, which holds no secret of ours. Every task definition of
# the account with its environment, since AWS knows no resource for that call; secrets belong into `secrets` there. And
# the functions' code, because the provider reads a function by GetFunction, whose answer has a link to the package.
resource "aws_iam_role" "plan" {
  name                 = "${var.name}-ci-plan"
  description          = "GitHub Actions: terraform plan of ${var.github.repository}, on pull requests and ${var.branch}."
  assume_role_policy   = local.trust["plan"]
  max_session_duration = local.session_seconds

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "plan" {
  name = "look"
  role = aws_iam_role.plan.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        # Without it S3 says of a state that is not there yet that it is forbidden.
        Sid      = "FindState"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = local.bucket_arn
      },
      {
        Sid      = "ReadState"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = values(local.state_arns)
      },
      {
        # The only thing that it writes: a plan must not read a state that is being changed.
        # https://developer.hashicorp.com/terraform/language/backend/s3#permissions-required
        Sid      = "TakeLock"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = [for arn in values(local.state_arns) : "${arn}.tflock"]
      },
      local.look_at_all,
      local.look_at_key,
      {
        Sid      = "LookAtNumbered"
        Effect   = "Allow"
        Action   = local.look_at_numbered
        Resource = [local.certificates, local.mappings, local.scaling, local.vpcs, local.zones]
      },
      {
        Sid      = "LookAtNamed"
        Effect   = "Allow"
        Action   = local.look_at_named
        Resource = concat(flatten(values(local.named)), values(local.role_arns))
      },
      {
        # Terraform keeps the targets as items of the ledger and looks at them there. What rollouts write lies under
        # other keys. A read by key always says which key, so the condition cannot hold for want of one.
        Sid       = "LookAtTargets"
        Effect    = "Allow"
        Action    = "dynamodb:GetItem"
        Resource  = [for prefix in values(local.prefixes) : "arn:${local.partition}:dynamodb:${local.region}:${local.account}:table/${prefix}-ledger"]
        Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["targets"] } }
      },
    ]
  })
}

locals {
  # Calls that AWS knows no resource for, or that it checks against everything however little is asked for. Written out
  # where a pattern would let in user data (ec2:Describe*) or environments of running tasks (ecs:Describe*).
  look_at_all = {
    Sid    = "LookAtAll"
    Effect = "Allow"
    Action = [
      "application-autoscaling:DescribeScalableTargets",
      "application-autoscaling:DescribeScalingPolicies",
      "cloudwatch:DescribeAlarms",
      "ec2:DescribeAddresses",
      "ec2:DescribeAddressesAttribute",
      "ec2:DescribeAvailabilityZones",
      "ec2:DescribeFlowLogs",
      "ec2:DescribeInternetGateways",
      "ec2:DescribeNatGateways",
      "ec2:DescribeNetworkAcls",
      "ec2:DescribePrefixLists",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSecurityGroupRules",
      "ec2:DescribeSecurityGroups",
      "ec2:DescribeSubnets",
      "ec2:DescribeVpcEndpoints",
      "ec2:DescribeVpcs",
      "ecs:DescribeTaskDefinition",
      "elasticloadbalancing:Describe*",
      "logs:DescribeLogGroups",
    ]
    Resource = "*"
  }

  # The provider asks which key stands behind the name, to know whether a table has that one. It says nothing of what
  # is encrypted with it.
  look_at_key = {
    Sid       = "LookAtKey"
    Effect    = "Allow"
    Action    = "kms:DescribeKey"
    Resource  = local.keys
    Condition = { StringEquals = { "kms:RequestAlias" = "alias/aws/dynamodb" } }
  }

  look_at_numbered = [
    "acm:DescribeCertificate",
    "acm:ListTagsForCertificate",
    "application-autoscaling:ListTagsForResource",
    "ec2:DescribeVpcAttribute",
    "lambda:GetEventSourceMapping",
    "lambda:ListTags",
    "route53:GetHostedZone",
    "route53:ListResourceRecordSets",
  ]

  look_at_named = [
    "cloudwatch:GetDashboard",
    "cloudwatch:ListTagsForResource",
    "dynamodb:DescribeContinuousBackups",
    "dynamodb:DescribeTable",
    "dynamodb:DescribeTimeToLive",
    "dynamodb:ListTagsOfResource",
    "ecr:DescribeRepositories",
    "ecr:GetLifecyclePolicy",
    "ecr:ListTagsForResource",
    "ecs:DescribeClusters",
    "ecs:DescribeServices",
    "events:DescribeRule",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "lambda:GetFunction",
    "lambda:GetFunctionCodeSigningConfig",
    "lambda:GetFunctionEventInvokeConfig",
    "lambda:GetPolicy",
    "lambda:ListTags",
    "lambda:ListVersionsByFunction",
    "logs:DescribeMetricFilters",
    "logs:ListTagsForResource",
    "s3:GetAccelerateConfiguration",
    "s3:GetBucket*",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    # Provider 6.23 and later read a bucket's tags by this call.
    "s3:ListTagsForResource",
    "sns:GetTopicAttributes",
    "sns:ListTagsForResource",
    "sqs:GetQueueAttributes",
    "sqs:ListQueueTags",
  ]
}
