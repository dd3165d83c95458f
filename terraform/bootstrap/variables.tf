variable "name" {
  description = "What the installation is called, as the root's `name`."
  type        = string
  default     = "couplet"
  nullable    = false
}

variable "region" {
  description = "The AWS region of the states and of all environments in this account."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "github" {
  description = "The repository whose workflows plan, apply and push: its name as owner/name, its number and its owner's (`gh api repos/OWNER/NAME --jq '.id, .owner.id'`)."
  type = object({
    repository    = string
    repository_id = string
    owner_id      = string
  })
  nullable = false
}

variable "environments" {
  description = "The environments in this account, and the GitHub environment whose jobs may apply each. Not the same names: in GitHub's environment `production` Couplet lists its rollouts, and a job that names an environment is listed there too."
  type        = map(string)
  default = {
    staging    = "terraform-staging"
    production = "terraform-production"
  }
  nullable = false
}

variable "services" {
  description = "The services that images are pushed for, as their repositories are called after <name>-<environment>-."
  type        = set(string)
  default     = ["board"]
  nullable    = false

  validation {
    condition     = length(var.services) > 0 && !contains(var.services, "cache") && alltrue([for service in var.services : can(regex("^[a-z][a-z0-9-]*$", service))])
    error_message = "Services are named in lower-case letters, digits and hyphens, none is called cache, and there is at least one."
  }
}

variable "provider_arn" {
  description = "The OIDC provider of GitHub Actions, if the account has it already (`aws iam list-open-id-connect-providers`). Null makes it."
  type        = string
  default     = null
}
