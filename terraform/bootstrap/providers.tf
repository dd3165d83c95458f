# The same tags as everywhere, by which an environment's role knows that these things are not its own.
provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Application = var.name
      Environment = "ci"
      ManagedBy   = "terraform"
    }
  }
}
