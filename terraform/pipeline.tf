# From "image pushed" to "commit told".
module "pipeline" {
  source = "./modules/pipeline"

  name               = local.prefix
  targets            = [module.board.target]
  table              = module.ledger.table
  functions_dir      = var.functions_dir
  architecture       = var.architecture
  log_retention_days = var.log_retention_days

  github_api_url         = var.github_api_url
  github_token_parameter = var.github_token_parameter
  board_url              = local.board_url
}
