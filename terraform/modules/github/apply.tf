# Makes and changes one environment, from the main branch and after whoever the GitHub environment asks. Its rights end
# at the environment's names, as far as AWS lets names be a fence.
#
# That fence keeps mistakes in and not an attacker: who may write roles and the code that runs under them can give such
# code every right there is. The real lock are the reviewers of the GitHub environment, and beyond that an account of
# its own for production. A permissions boundary would close the gap, but every role of every module would have to carry
# it, and it would have to say all that any service may ever do: two long lists that must agree, kept apart. It is left
# out for that.
resource "aws_iam_role" "apply" {
  for_each = var.environments

  name                 = "${var.name}-ci-apply-${each.key}"
  description          = "GitHub Actions: terraform apply of ${each.key} by jobs of ${var.github.repository} in ${each.value}."
  assume_role_policy   = local.trust["apply-${each.key}"]
  max_session_duration = local.session_seconds

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "apply" {
  for_each = var.environments

  name = "make"
  role = aws_iam_role.apply[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FindState"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = local.bucket_arn
      },
      {
        Sid      = "KeepState"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = local.state_arns[each.key]
      },
      {
        Sid      = "TakeLock"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = "${local.state_arns[each.key]}.tflock"
      },
      # Beside what a plan looks at: what still holds a security group that is to go.
      merge(local.look_at_all, { Action = concat(local.look_at_all.Action, ["ec2:DescribeNetworkInterfaces"]) }),
      local.look_at_key,
      {
        # Whole services, but only what is named as the environment is. Lists of single calls would break with each new
        # version of the provider and keep out nobody who may write roles.
        Sid    = "MakeNamed"
        Effect = "Allow"
        Action = [
          "cloudwatch:*", "dynamodb:*", "ecr:*", "ecs:*", "elasticloadbalancing:*", "events:*", "lambda:*", "logs:*",
          "s3:*", "sns:*", "sqs:*",
        ]
        Resource = local.named[each.key]
      },
      {
        # A network's parts have numbers and no names; these are the kinds of them. No machines are among them.
        Sid    = "MakeNetwork"
        Effect = "Allow"
        Action = local.make_network
        Resource = [for kind in [
          "elastic-ip", "internet-gateway", "natgateway", "network-interface", "route-table", "security-group",
          "security-group-rule", "subnet", "vpc", "vpc-endpoint", "vpc-flow-log",
        ] : "arn:${local.partition}:ec2:${local.region}:${local.account}:${kind}/*"]
      },
      {
        Sid    = "MakeMappings"
        Effect = "Allow"
        Action = "lambda:CreateEventSourceMapping"
        # A mapping has no number yet. Lambda knows it by the function that it leads to.
        Resource  = "*"
        Condition = local.to_function[each.key]
      },
      {
        Sid       = "ChangeMappings"
        Effect    = "Allow"
        Action    = ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
        Resource  = local.mappings
        Condition = local.to_function[each.key]
      },
      {
        Sid    = "MakeNumbered"
        Effect = "Allow"
        Action = concat(local.look_at_numbered, [
          "acm:AddTagsToCertificate",
          "acm:DeleteCertificate",
          "acm:RemoveTagsFromCertificate",
          "acm:UpdateCertificateOptions",
          "application-autoscaling:DeleteScalingPolicy",
          "application-autoscaling:DeregisterScalableTarget",
          "application-autoscaling:PutScalingPolicy",
          "application-autoscaling:RegisterScalableTarget",
          "application-autoscaling:TagResource",
          "application-autoscaling:UntagResource",
          "lambda:TagResource",
          "lambda:UntagResource",
          # An interface endpoint's private names are a zone, which is tied to the network on the caller's behalf.
          "route53:AssociateVPCWithHostedZone",
          "route53:GetChange",
        ])
        Resource = [local.certificates, local.mappings, local.scaling, local.vpcs, local.zones, local.zone_change]
      },
      {
        Sid    = "AskForCertificate"
        Effect = "Allow"
        Action = "acm:RequestCertificate"
        # It has no number yet. Only by DNS: whoever reads the domain's mail is nobody here.
        Resource  = "*"
        Condition = { StringEquals = { "acm:ValidationMethod" = "DNS" } }
      },
      {
        # The board's own name and the proof for its certificate; no mail, no delegation of parts of the zone.
        Sid       = "WriteRecords"
        Effect    = "Allow"
        Action    = "route53:ChangeResourceRecordSets"
        Resource  = local.zones
        Condition = { "ForAllValues:StringEquals" = { "route53:ChangeResourceRecordSetsRecordTypes" = ["A", "AAAA", "CNAME"] } }
      },
      {
        # Inline policies only: no policy of AWS's is attached anywhere.
        Sid    = "MakeRoles"
        Effect = "Allow"
        Action = [
          "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoleTags",
          "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
          "iam:UpdateRoleDescription",
        ]
        Resource = local.role_arns[each.key]
      },
      {
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = "iam:PassRole"
        Resource = local.role_arns[each.key]
        Condition = { StringEquals = { "iam:PassedToService" = [
          "ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com",
        ] } }
      },
      {
        # The first service of an account makes these, once, whoever it is.
        Sid      = "MakeServiceLinkedRoles"
        Effect   = "Allow"
        Action   = "iam:CreateServiceLinkedRole"
        Resource = local.service_linked
        Condition = { StringEquals = { "iam:AWSServiceName" = [
          "ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com",
        ] } }
      },

      # Whatever the lists above come to say one day: a job changes neither who it is, nor the states'
      # bucket, nor another environment in the same account.
      {
        Sid      = "KeepOffIdentity"
        Effect   = "Deny"
        Action   = "iam:*"
        Resource = [local.ci_arns, local.provider_arn]
      },
      {
        Sid       = "KeepOffStateBucket"
        Effect    = "Deny"
        NotAction = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        Resource  = [local.bucket_arn, "${local.bucket_arn}/*"]
      },
      {
        # Networks of environments that share an account differ by nothing but the tags that Terraform puts on all it
        # makes. What has no tags, or another application's, is not meant here.
        Sid      = "KeepOffOtherEnvironments"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          StringEquals    = { "aws:ResourceTag/Application" = var.name }
          StringNotEquals = { "aws:ResourceTag/Environment" = each.key }
        }
      },
    ]
  })
}

locals {
  to_function = { for environment, prefix in local.prefixes : environment => {
    ArnLike = { "lambda:FunctionArn" = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${prefix}-*" }
  } }

  make_network = [
    "ec2:AllocateAddress",
    "ec2:AssociateRouteTable",
    "ec2:AttachInternetGateway",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateFlowLogs",
    "ec2:CreateInternetGateway",
    "ec2:CreateNatGateway",
    "ec2:CreateRoute",
    "ec2:CreateRouteTable",
    "ec2:CreateSecurityGroup",
    "ec2:CreateSubnet",
    "ec2:CreateTags",
    "ec2:CreateVpc",
    "ec2:CreateVpcEndpoint",
    "ec2:DeleteFlowLogs",
    "ec2:DeleteInternetGateway",
    "ec2:DeleteNatGateway",
    "ec2:DeleteRoute",
    "ec2:DeleteRouteTable",
    "ec2:DeleteSecurityGroup",
    "ec2:DeleteSubnet",
    "ec2:DeleteTags",
    "ec2:DeleteVpc",
    "ec2:DeleteVpcEndpoints",
    "ec2:DetachInternetGateway",
    "ec2:DisassociateAddress",
    "ec2:DisassociateRouteTable",
    "ec2:ModifySecurityGroupRules",
    "ec2:ModifySubnetAttribute",
    "ec2:ModifyVpcAttribute",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReleaseAddress",
    "ec2:ReplaceRoute",
    "ec2:ReplaceRouteTableAssociation",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RevokeSecurityGroupIngress",
    "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
    "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
  ]
}
