# Where things are tried. Whose commits are told (`github`) is the same everywhere and comes from TF_VAR_github.
environment = "staging"

# All on spare capacity: cheaper by two thirds, and nobody minds when a task is taken away.
tasks = {
  minimum      = 1
  maximum      = 2
  spot_percent = 100
}

# A range of its own, so that the two networks could be joined one day.
network = {
  cidr = "10.72.0.0/16"
}

# It may be taken down at any time, with all that is in it.
deletion_protection = false
log_retention_days  = 7
