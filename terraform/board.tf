# The board is the first service that Couplet deploys: it follows its own image.
module "board" {
  source = "./modules/service"

  name          = "${local.prefix}-board"
  cluster_name  = aws_ecs_cluster_capacity_providers.this.cluster_name
  network       = local.network
  allowed_cidrs = var.allowed_cidrs
  domain        = var.domain
  architecture  = var.architecture
  tasks         = var.tasks

  container = {
    variables = merge(
      {
        COUPLET_LEDGER_TABLE = module.ledger.table.name
        # Where commits are linked to. An Enterprise Server has its API under its own address.
        COUPLET_GITHUB_URL = var.github.api_url == "https://api.github.com" ? "https://github.com" : trimsuffix(var.github.api_url, "/api/v3")
      },
      var.board_url == "" ? {} : { COUPLET_BOARD_URL = var.board_url },
      local.acting_variables,
    )
    url_variable      = var.acting.github == null ? null : "COUPLET_BOARD_URL"
    balancer_variable = var.acting.balancer ? "COUPLET_BALANCER_ARN" : null
  }

  task_policy         = jsonencode(local.board_policy)
  deletion_protection = var.deletion_protection
  log_retention_days  = var.log_retention_days
}

locals {
  can_act = var.acting.github != null || var.acting.balancer || length(var.acting.tokens) > 0

  acting_variables = merge(
    var.acting.github == null ? {} : {
      COUPLET_GITHUB_API_URL                 = var.github.api_url
      COUPLET_GITHUB_CLIENT_ID               = var.acting.github.client_id
      COUPLET_GITHUB_CLIENT_SECRET_PARAMETER = var.acting.github.secret_parameter
    },
    # A hash is no secret: nobody finds the token by it.
    length(var.acting.tokens) == 0 ? {} : {
      COUPLET_TOKENS = join(",", [for name, hash in var.acting.tokens : "${name}:${hash}"])
    },
  )

  # The board reads the ledger by key. It changes nothing: what people ask for travels as an event, and that is the one
  # thing more that it may do, if anybody may ask.
  board_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "ReadLedger"
        Effect   = "Allow"
        Action   = ["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"]
        Resource = module.ledger.table.arn
      }],
      [for allowed in local.can_act ? ["AskForRollouts"] : [] : {
        Sid      = allowed
        Effect   = "Allow"
        Action   = "events:PutEvents"
        Resource = "arn:${local.partition}:events:${var.region}:${local.account}:event-bus/default"
        Condition = {
          StringEquals = { "events:source" = "couplet", "events:detail-type" = "Rollout Requested" }
        }
      }],
      [for parameter in local.client_secret_arns : {
        Sid      = "ReadClientSecret"
        Effect   = "Allow"
        Action   = "ssm:GetParameter"
        Resource = parameter
      }],
      # Whichever key the parameter was written with, but for this one parameter and through SSM only.
      [for parameter in local.client_secret_arns : {
        Sid      = "DecryptClientSecret"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = "arn:${local.partition}:kms:${var.region}:${local.account}:key/*"
        Condition = {
          StringEquals = {
            "kms:ViaService"                      = "ssm.${var.region}.amazonaws.com"
            "kms:EncryptionContext:PARAMETER_ARN" = parameter
          }
        }
      }],
    )
  }

  client_secret_arns = var.acting.github == null ? [] : [
    "arn:${local.partition}:ssm:${var.region}:${local.account}:parameter${var.acting.github.secret_parameter}"
  ]

  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  board_url = var.board_url == "" ? module.board.url : var.board_url
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
