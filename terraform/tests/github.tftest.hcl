# Who may come in from GitHub, word by word, and what each may then do.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name = "couplet"

  github = {
    repository    = "acme/couplet"
    repository_id = "777"
    owner_id      = "42"
  }

  environments = {
    staging    = "terraform-staging"
    production = "terraform-production"
  }

  state_bucket    = "couplet-ci-state-123456789012"
  repository_arns = ["arn:aws:ecr:eu-west-1:123456789012:repository/couplet-production-board"]

  build_repositories = {
    image_arns = ["arn:aws:ecr:eu-west-1:123456789012:repository/couplet-ci-board"]
    cache_arn  = "arn:aws:ecr:eu-west-1:123456789012:repository/couplet-ci-cache"
  }
}

run "trust" {
  command = plan

  module {
    source = "./modules/github"
  }

  assert {
    condition = { for name, trust in local.trust : name => jsondecode(trust) } == {
      for name, claims in {
        plan = { sub = [
          "repo:acme/couplet:pull_request",
          "repo:acme@42/couplet@777:pull_request",
          "repo:acme/couplet:ref:refs/heads/main",
          "repo:acme@42/couplet@777:ref:refs/heads/main",
        ] }
        pull-request-push = { sub = [
          "repo:acme/couplet:pull_request",
          "repo:acme@42/couplet@777:pull_request",
        ] }
        request = {
          sub = [
            "repo:acme/couplet:environment:requests-production",
            "repo:acme@42/couplet@777:environment:requests-production",
            "repo:acme/couplet:environment:requests-staging",
            "repo:acme@42/couplet@777:environment:requests-staging",
          ]
          ref = "refs/heads/main"
        }
        push = { sub = [
          "repo:acme/couplet:ref:refs/heads/main",
          "repo:acme@42/couplet@777:ref:refs/heads/main",
        ] }
        apply-staging = {
          sub = [
            "repo:acme/couplet:environment:terraform-staging",
            "repo:acme@42/couplet@777:environment:terraform-staging",
          ]
          ref = "refs/heads/main"
        }
        apply-production = {
          sub = [
            "repo:acme/couplet:environment:terraform-production",
            "repo:acme@42/couplet@777:environment:terraform-production",
          ]
          ref = "refs/heads/main"
        }
        } : name => {
        Version = "2012-10-17"
        Statement = [{
          Effect    = "Allow"
          Action    = "sts:AssumeRoleWithWebIdentity"
          Principal = { Federated = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
          Condition = { StringEquals = merge(
            {
              "token.actions.githubusercontent.com:aud"                 = "sts.amazonaws.com"
              "token.actions.githubusercontent.com:repository_id"       = "777"
              "token.actions.githubusercontent.com:repository_owner_id" = "42"
            },
            { for claim, value in claims : "token.actions.githubusercontent.com:${claim}" => value },
          ) }
        }]
      }
    }
    error_message = "A role trusts others than it should: each claim is an equality, and each subject stands there in both of its forms."
  }

  assert {
    condition     = alltrue([for trust in values(local.trust) : !can(regex("[*?]", trust))])
    error_message = "A pattern in a trust policy lets strangers in."
  }

  # Each role has the trust that is its own.
  assert {
    condition = (
      aws_iam_role.plan.assume_role_policy == local.trust["plan"] &&
      aws_iam_role.push.assume_role_policy == local.trust["push"] &&
      aws_iam_role.pull_request_push.assume_role_policy == local.trust["pull-request-push"] &&
      aws_iam_role.request.assume_role_policy == local.trust["request"] &&
      alltrue([for environment, role in aws_iam_role.apply : role.assume_role_policy == local.trust["apply-${environment}"]])
    )
    error_message = "A role was given the trust of another."
  }

  assert {
    condition = { for name, role in merge({
      plan              = aws_iam_role.plan
      push              = aws_iam_role.push
      pull-request-push = aws_iam_role.pull_request_push
      request           = aws_iam_role.request
      }, aws_iam_role.apply) : role.name => role.max_session_duration } == {
      couplet-ci-plan              = 3600
      couplet-ci-push              = 3600
      couplet-ci-pull-request-push = 3600
      couplet-ci-request           = 3600
      couplet-ci-apply-staging     = 3600
      couplet-ci-apply-production  = 3600
    }
    error_message = "A role is called otherwise, is one too many, or its credentials live for more than an hour."
  }

  assert {
    condition = { for name, provider in aws_iam_openid_connect_provider.github : name => [provider.url, provider.client_id_list] } == {
      github = ["https://token.actions.githubusercontent.com", toset(["sts.amazonaws.com"])]
    }
    error_message = "The account must come to know GitHub, and its tokens only as those made for AWS."
  }
}

run "a_provider_that_is_there" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    provider_arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
  }

  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account can have one provider for GitHub: where there is one, none is made."
  }

  assert {
    condition     = alltrue([for trust in values(local.trust) : jsondecode(trust).Statement[0].Principal.Federated == var.provider_arn])
    error_message = "The roles must trust the provider that was named."
  }
}

run "plan" {
  command = plan

  module {
    source = "./modules/github"
  }

  # All that it writes is the lock.
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement if !alltrue([
        for action in flatten([statement.Action]) : can(regex("^[a-z0-9-]+:(Describe|Get|List)", action))
      ])
      ] == [{
        Sid    = "TakeLock"
        Effect = "Allow"
        Action = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = [
          "arn:aws:s3:::couplet-ci-state-123456789012/production/terraform.tfstate.tflock",
          "arn:aws:s3:::couplet-ci-state-123456789012/staging/terraform.tfstate.tflock",
        ]
    }]
    error_message = "A plan writes the lock and nothing else."
  }

  # All that it reads of what is stored: states, and the targets in the ledgers.
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement
      if length(setintersection(flatten([statement.Action]), ["s3:GetObject", "dynamodb:GetItem"])) > 0 && statement.Sid != "TakeLock"
      ] == [
      {
        Sid    = "ReadState"
        Effect = "Allow"
        Action = "s3:GetObject"
        Resource = [
          "arn:aws:s3:::couplet-ci-state-123456789012/production/terraform.tfstate",
          "arn:aws:s3:::couplet-ci-state-123456789012/staging/terraform.tfstate",
        ]
      },
      {
        Sid    = "LookAtTargets"
        Effect = "Allow"
        Action = "dynamodb:GetItem"
        Resource = [
          "arn:aws:dynamodb:eu-west-1:123456789012:table/couplet-production-ledger",
          "arn:aws:dynamodb:eu-west-1:123456789012:table/couplet-staging-ledger",
        ]
        Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["targets"] } }
      },
    ]
    error_message = "A plan reads states and targets, and nothing else that is stored."
  }

  # What would show a secret, or what is in things, must not be allowed by any pattern.
  assert {
    condition = length([
      for pair in setproduct(flatten(jsondecode(aws_iam_role_policy.plan.policy).Statement[*].Action), [
        "dynamodb:BatchGetItem", "dynamodb:GetRecords", "dynamodb:Query", "dynamodb:Scan",
        "ec2:DescribeInstanceAttribute", "ec2:DescribeLaunchTemplateVersions", "ec2:GetConsoleOutput", "ec2:GetPasswordData",
        "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer",
        "ecs:DescribeTasks", "kms:Decrypt", "lambda:GetLayerVersion", "lambda:InvokeFunction",
        "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartQuery",
        "s3:GetObjectVersion", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage",
        "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "sts:AssumeRole", "sts:GetFederationToken",
      ]) : pair if can(regex("^${replace(pair[0], "*", ".*")}$", pair[1]))
    ]) == 0
    error_message = "A plan is run by whoever opens a pull request: it must not read secrets, data, images or logs."
  }

  # AWS knows no resource for these, or checks them against all. Nothing else is allowed everywhere.
  assert {
    condition = [for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Sid if contains(flatten([statement.Resource]), "*")] == ["LookAtAll"] && toset(local.look_at_all.Action) == toset([
      "application-autoscaling:DescribeScalableTargets", "application-autoscaling:DescribeScalingPolicies",
      "cloudwatch:DescribeAlarms",
      "ec2:DescribeAddresses", "ec2:DescribeAddressesAttribute", "ec2:DescribeAvailabilityZones", "ec2:DescribeFlowLogs",
      "ec2:DescribeInternetGateways", "ec2:DescribeNatGateways", "ec2:DescribeNetworkAcls", "ec2:DescribePrefixLists",
      "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroupRules", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets",
      "ec2:DescribeVpcEndpoints", "ec2:DescribeVpcs",
      "ecs:DescribeTaskDefinition", "elasticloadbalancing:Describe*", "logs:DescribeLogGroups",
    ])
    error_message = "A call is allowed on everything that is not on the list of those that must be."
  }

  # Everything that has a name is looked at by that name.
  assert {
    condition = alltrue([
      for arn in flatten([for statement in jsondecode(aws_iam_role_policy.plan.policy).Statement : statement.Resource if statement.Sid == "LookAtNamed"]) :
      can(regex("couplet-(staging|production)", arn))
    ])
    error_message = "A plan looks at what belongs to no environment of this installation."
  }
}

run "push" {
  command = plan

  module {
    source = "./modules/github"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.push.policy).Statement == [
      {
        Sid      = "LogIn"
        Effect   = "Allow"
        Action   = "ecr:GetAuthorizationToken"
        Resource = "*"
      },
      {
        Sid    = "PushImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:InitiateLayerUpload",
          "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = [
          "arn:aws:ecr:eu-west-1:123456789012:repository/couplet-production-board",
          "arn:aws:ecr:eu-west-1:123456789012:repository/couplet-ci-cache",
        ]
      },
      {
        Sid    = "PullImages"
        Effect = "Allow"
        Action = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
        Resource = [
          "arn:aws:ecr:eu-west-1:123456789012:repository/couplet-production-board",
          "arn:aws:ecr:eu-west-1:123456789012:repository/couplet-ci-board",
          "arn:aws:ecr:eu-west-1:123456789012:repository/couplet-ci-cache",
        ]
      },
    ]
    error_message = "Whoever pushes images can only push and copy images, and only to the repositories named."
  }

  # IAM knows no tags: what a pull request may push to must be what no target follows.
  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.pull_request_push.policy).Statement : statement.Resource
      if contains(flatten([statement.Action]), "ecr:PutImage")
    ] == [["arn:aws:ecr:eu-west-1:123456789012:repository/couplet-ci-board"]]
    error_message = "A pull request pushes to repositories that no target follows, and not to the cache."
  }

  assert {
    condition = toset(flatten(jsondecode(aws_iam_role_policy.pull_request_push.policy).Statement[*].Action)) == toset([
      "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload",
      "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart", "ecr:GetDownloadUrlForLayer",
    ])
    error_message = "A pull request pushes and pulls images, and nothing else."
  }
}

run "request" {
  command = plan

  module {
    source = "./modules/github"
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.request.policy).Statement == [{
      Sid      = "AskForRollouts"
      Effect   = "Allow"
      Action   = "events:PutEvents"
      Resource = "arn:aws:events:eu-west-1:123456789012:event-bus/default"
      Condition = {
        StringEquals = { "events:source" = "couplet", "events:detail-type" = "Rollout Requested" }
      }
    }]
    error_message = "Whoever asks for rollouts puts that one kind of event, and does nothing else."
  }
}

run "apply" {
  command = plan

  module {
    source = "./modules/github"
  }

  # What no other right comes up against.
  assert {
    condition = { for environment, policy in aws_iam_role_policy.apply : environment => [
      for statement in jsondecode(policy.policy).Statement : statement if statement.Effect == "Deny"
      ] } == { for environment in ["staging", "production"] : environment => [
      {
        Sid    = "KeepOffIdentity"
        Effect = "Deny"
        Action = "iam:*"
        Resource = [
          "arn:aws:iam::123456789012:role/couplet-ci-*",
          "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
        ]
      },
      {
        Sid       = "KeepOffStateBucket"
        Effect    = "Deny"
        NotAction = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"]
        Resource = [
          "arn:aws:s3:::couplet-ci-state-123456789012",
          "arn:aws:s3:::couplet-ci-state-123456789012/*",
        ]
      },
      {
        Sid      = "KeepOffOtherEnvironments"
        Effect   = "Deny"
        Action   = "*"
        Resource = "*"
        Condition = {
          StringEquals    = { "aws:ResourceTag/Application" = "couplet" }
          StringNotEquals = { "aws:ResourceTag/Environment" = environment }
        }
      },
    ] }
    error_message = "A job that applies must not change who it is, the bucket of the states, or another environment."
  }

  # Its own state, its own lock, and no other object of the bucket.
  assert {
    condition = alltrue([for environment, policy in aws_iam_role_policy.apply : {
      for statement in jsondecode(policy.policy).Statement : statement.Sid => statement.Resource if contains(["FindState", "KeepState", "TakeLock"], statement.Sid)
      } == {
      FindState = "arn:aws:s3:::couplet-ci-state-123456789012"
      KeepState = "arn:aws:s3:::couplet-ci-state-123456789012/${environment}/terraform.tfstate"
      TakeLock  = "arn:aws:s3:::couplet-ci-state-123456789012/${environment}/terraform.tfstate.tflock"
    }])
    error_message = "A job that applies one environment keeps that one's state."
  }

  # Whatever can be named is named as the environment is: whole services and roles.
  assert {
    condition = alltrue(flatten([for environment, policy in aws_iam_role_policy.apply : [
      for statement in jsondecode(policy.policy).Statement : [
        for arn in flatten([statement.Resource]) : can(regex("[:/]couplet-${environment}[-*]", arn))
      ] if contains(["MakeNamed", "MakeRoles", "PassRoles"], statement.Sid)
    ]]))
    error_message = "A job that applies one environment reaches beyond its names."
  }

  # What is allowed on everything: looking around, and making what has no number yet, each under a condition.
  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.apply["production"].policy).Statement : statement.Sid => try(statement.Condition, null)
      if statement.Effect == "Allow" && contains(flatten([statement.Resource]), "*")
      } == {
      LookAtAll         = null
      MakeMappings      = { ArnLike = { "lambda:FunctionArn" = "arn:aws:lambda:eu-west-1:123456789012:function:couplet-production-*" } }
      AskForCertificate = { StringEquals = { "acm:ValidationMethod" = "DNS" } }
    }
    error_message = "A right is given on every resource that could be given on one."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.apply["production"].policy).Statement : alltrue([
        for action in flatten([statement.Action]) : can(regex("^[a-z0-9-]+:(Describe|Get|List)", action))
      ]) if statement.Sid == "LookAtAll"
    ])
    error_message = "Looking around changes nothing."
  }

  assert {
    condition = toset([
      for arn in flatten([for statement in jsondecode(aws_iam_role_policy.apply["production"].policy).Statement : statement.Resource if statement.Sid == "MakeNetwork"]) :
      trimprefix(arn, "arn:aws:ec2:eu-west-1:123456789012:")
      ]) == toset([
      "elastic-ip/*", "internet-gateway/*", "natgateway/*", "network-interface/*", "route-table/*", "security-group/*",
      "security-group-rule/*", "subnet/*", "vpc/*", "vpc-endpoint/*", "vpc-flow-log/*",
    ])
    error_message = "Of EC2, a network's parts are made and nothing else: no machines, no volumes, no peering."
  }

  # Roles are changed call by call, and handed only to who runs tasks, functions and flow logs.
  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.apply["production"].policy).Statement : statement.Sid => {
        actions   = toset(flatten([statement.Action]))
        resource  = statement.Resource
        condition = try(statement.Condition, null)
      } if statement.Effect == "Allow" && length([for action in flatten([try(statement.Action, [])]) : action if startswith(action, "iam:")]) > 0
      } == {
      MakeRoles = {
        actions = toset([
          "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePolicy", "iam:GetRole", "iam:GetRolePolicy",
          "iam:ListAttachedRolePolicies", "iam:ListInstanceProfilesForRole", "iam:ListRolePolicies", "iam:ListRoleTags",
          "iam:PutRolePolicy", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
          "iam:UpdateRoleDescription",
        ])
        resource  = "arn:aws:iam::123456789012:role/couplet-production-*"
        condition = null
      }
      PassRoles = {
        actions   = toset(["iam:PassRole"])
        resource  = "arn:aws:iam::123456789012:role/couplet-production-*"
        condition = { StringEquals = { "iam:PassedToService" = ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com", "vpc-flow-logs.amazonaws.com"] } }
      }
      MakeServiceLinkedRoles = {
        actions  = toset(["iam:CreateServiceLinkedRole"])
        resource = "arn:aws:iam::123456789012:role/aws-service-role/*"
        condition = { StringEquals = { "iam:AWSServiceName" = [
          "ecs.amazonaws.com", "ecs.application-autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com",
        ] } }
      }
    }
    error_message = "IAM is changed otherwise than on this environment's roles, one call at a time."
  }
}

# IAM takes 10,240 characters of inline policies a role, spaces not counted.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
run "longest" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    name         = "thirteenchars"
    environments = { for number in ["a", "b", "c", "d"] : "${number}welveletter" => number }
  }

  assert {
    condition = alltrue([
      for policy in concat([aws_iam_role_policy.plan.policy], values(aws_iam_role_policy.apply)[*].policy) : length(policy) <= 10240
    ])
    error_message = "A policy is longer than IAM takes."
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.apply : length(role.name) <= 64])
    error_message = "A role's name is longer than IAM takes."
  }
}

run "refuses_more_than_fits" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    environments = { for number in ["a", "b", "c", "d", "e"] : "${number}-five" => number }
  }

  expect_failures = [var.environments]
}

run "refuses_names_that_are_beginnings" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    environments = { prod = "one", production = "two" }
  }

  expect_failures = [var.environments]
}

run "refuses_the_name_of_its_own_roles" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    environments = { ci = "terraform" }
  }

  expect_failures = [var.environments]
}

run "refuses_patterns_in_subjects" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    branch       = "release/*"
    environments = { production = "*" }
  }

  expect_failures = [var.branch, var.environments]
}

run "refuses_one_environment_for_two" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    environments = { staging = "terraform", production = "terraform" }
  }

  expect_failures = [var.environments]
}

run "refuses_names_for_numbers" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    github = { repository = "acme/couplet", repository_id = "couplet", owner_id = "acme" }
  }

  expect_failures = [var.github]
}

run "refuses_another_issuer" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    provider_arn = "arn:aws:iam::123456789012:oidc-provider/github.example.com/_services/token"
  }

  expect_failures = [var.provider_arn]
}

run "refuses_patterns_of_repositories" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    repository_arns = ["arn:aws:ecr:eu-west-1:123456789012:repository/*"]
  }

  expect_failures = [var.repository_arns]
}
