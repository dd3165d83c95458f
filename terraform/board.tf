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
    variables = {
      COUPLET_LEDGER_TABLE = module.ledger.table.name
      # Where commits are linked to. An Enterprise Server has its API under its own address.
      COUPLET_GITHUB_URL = var.github.api_url == "https://api.github.com" ? "https://github.com" : trimsuffix(var.github.api_url, "/api/v3")
    }
  }

  task_policy         = jsonencode(local.board_policy)
  deletion_protection = var.deletion_protection
  log_retention_days  = var.log_retention_days
}

locals {
  # The board reads the ledger by key. It changes nothing: what people ask for travels as an event.
  board_policy = {
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadLedger"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:Query"]
      Resource = module.ledger.table.arn
    }]
  }

  board_url = var.board_url == "" ? module.board.url : var.board_url
}
