# The cluster costs nothing by itself; it is the fence within which a service's name is unique.
resource "aws_ecs_cluster" "this" {
  name = local.prefix

  # Task-level metrics, for the hour in which a rollout went wrong. Default: disabled.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

# The board is the first service that Couplet deploys: it follows its own image.
module "board" {
  source = "./modules/service"

  name            = "${local.prefix}-board"
  cluster_name    = aws_ecs_cluster.this.name
  network         = module.network
  port            = local.port
  architecture    = var.architecture
  certificate_arn = var.certificate_arn

  variables = {
    COUPLET_LEDGER_TABLE = module.ledger.table.name
    # Where commits are linked to. An Enterprise Server has its API under its own address.
    COUPLET_GITHUB_URL = var.github_api_url == "https://api.github.com" ? "https://github.com" : trimsuffix(var.github_api_url, "/api/v3")
  }

  # The board reads the ledger by key. It changes nothing: what people ask for travels as an event.
  task_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "ReadLedger"
      Effect   = "Allow"
      Action   = ["dynamodb:GetItem", "dynamodb:Query"]
      Resource = module.ledger.table.arn
    }]
  })

  deletion_protection = var.deletion_protection
  log_retention_days  = var.log_retention_days
}

locals {
  scheme    = var.certificate_arn == "" ? "http" : "https"
  board_url = var.board_url == "" ? "${local.scheme}://${module.board.balancer_dns_name}" : var.board_url
}
