locals {
  # Begins every name, so that two installations or two environments can share an account.
  prefix = "${var.name}-${var.environment}"

  # Where everything stands: in the network that was passed in, else in one of its own.
  network = var.network.existing == null ? one(module.network[*].network) : var.network.existing
}

module "network" {
  count  = var.network.existing == null ? 1 : 0
  source = "./modules/network"

  name               = local.prefix
  cidr               = var.network.cidr
  zones              = var.network.zones
  nat                = var.network.nat
  log_retention_days = var.log_retention_days
}
