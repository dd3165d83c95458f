# From "image pushed" to "commit told".
module "pipeline" {
  source = "./modules/pipeline"

  name               = local.prefix
  targets            = [module.board.target]
  table              = module.ledger.table
  functions_dir      = var.functions_dir
  architecture       = var.architecture
  log_retention_days = var.log_retention_days

  github = {
    api_url         = var.github.api_url
    token_parameter = var.github.token_parameter
  }
  board_url = local.board_url

  # What a service is made from besides its image: when it changes, the change is rolled out.
  # Only for targets that the ledger has, since the function looks them up there.
  templates = {
    for service, template in { (module.board.target.service) = module.board.template_arn } :
    service => template if contains(module.ledger.targets, service)
  }
}
