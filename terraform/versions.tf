terraform {
  # 1.9 brought validations that look at other variables; 1.11 is the oldest that this is run with. OpenTofu: the same.
  required_version = ">= 1.11"

  # One provider and no second: nothing here needs to zip, to wait or to roll dice.
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
