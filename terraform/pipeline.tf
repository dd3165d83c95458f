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
    app             = var.github.app
    token_parameter = var.github.app == null ? coalesce(var.github.token_parameter, "/couplet/github-token") : null
  }
  board_url = local.board_url

  # Where a promotion finds that a release has succeeded elsewhere: the table's name follows from the environment's.
  other_ledgers = [for environment in var.promotes_from : "${var.name}-${environment}-ledger"]

  # What a service is made from besides its image: when it changes, the change is rolled out.
  # Only for targets that the ledger has, since the function looks them up there.
  templates = {
    for service, template in { (module.board.target.service) = module.board.template_arn } :
    service => template if contains(module.ledger.targets, service)
  }
}
