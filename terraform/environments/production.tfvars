# What people use. Whose commits are told (`github`) is the same everywhere and comes from TF_VAR_github.
environment = "production"

# What has succeeded in staging may be promoted to here.
promotes_from = ["staging"]

# A task in each zone, always; room for eight times that.
tasks = {
  minimum = 2
  maximum = 16
}

# Long enough to ask in spring what happened before Christmas.
log_retention_days = 120
