locals {
  # Begins every name, so that two installations or two environments can share an account.
  prefix = "${var.name}-${var.environment}"

  # The one port that containers listen on.
  port = 8080
}

module "network" {
  source = "./modules/network"

  name      = local.prefix
  cidr      = var.vpc_cidr
  nat       = var.nat
  task_port = local.port
}
