variable "name" {
  description = "What the installation is called, as the root's `name`. Its environments are named <name>-<environment>-*, the roles made here <name>-ci-*."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,12}$", var.name))
    error_message = "The name must be 1 to 13 lower-case letters, digits or hyphens and begin with a letter."
  }
}

variable "github" {
  description = "The repository whose workflows are trusted: its name as owner/name, its number and its owner's. Names can be given up and taken by somebody else, numbers cannot."
  type = object({
    repository    = string
    repository_id = string
    owner_id      = string
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "The GitHub repository must be written as owner/name."
  }

  validation {
    condition     = can(regex("^[0-9]+$", var.github.repository_id)) && can(regex("^[0-9]+$", var.github.owner_id))
    error_message = "The repository and its owner are numbers: `gh api repos/OWNER/NAME --jq '.id, .owner.id'` prints both."
  }
}

variable "branch" {
  description = "The branch that is applied and whose images are pushed."
  type        = string
  default     = "main"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.branch))
    error_message = "The branch must be written out: no patterns."
  }
}

variable "environments" {
  description = "The environments of the installation, and the GitHub environment whose jobs may apply each. A job of a GitHub environment is listed there as a deployment, so take another one than that in which Couplet lists rollouts."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.environments) >= 1 && length(var.environments) <= 4
    error_message = "There must be one environment and may be four: what a role may do with more would be longer than IAM takes."
  }

  validation {
    condition     = alltrue([for environment in keys(var.environments) : can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", environment))])
    error_message = "An environment must be 2 to 12 lower-case letters, digits or hyphens, begin with a letter and not end with a hyphen."
  }

  validation {
    condition     = alltrue([for github in values(var.environments) : can(regex("^[A-Za-z0-9._-]+$", github))])
    error_message = "A GitHub environment must be written out in letters, digits, dots, hyphens and underscores: no patterns."
  }

  validation {
    condition     = length(distinct(values(var.environments))) == length(var.environments)
    error_message = "Each environment needs a GitHub environment of its own, or who may apply one may apply the other."
  }

  validation {
    condition = alltrue([
      for one in concat(keys(var.environments), ["ci"]) : alltrue([
        for other in keys(var.environments) : one == other || !startswith(other, one)
      ])
    ]) && !contains(keys(var.environments), "ci")
    error_message = "No environment's name may begin with another's or with ci: rights are given by the beginning of names."
  }
}

variable "state_bucket" {
  description = "The S3 bucket that holds the states, each under <environment>/terraform.tfstate."
  type        = string
  nullable    = false
}

variable "repository_arns" {
  description = "The ECR repositories that images are pushed to."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.repository_arns) > 0 && alltrue([for arn in var.repository_arns : can(regex("^arn:[a-z-]+:ecr:[a-z0-9-]+:[0-9]{12}:repository/[a-z0-9._/-]+$", arn))])
    error_message = "Repositories are named by their whole ARNs: no patterns."
  }
}

variable "provider_arn" {
  description = "The OIDC provider of GitHub Actions, if the account has it already: an account can have only one. Null makes it."
  type        = string
  default     = null

  validation {
    condition     = try(endswith(var.provider_arn, ":oidc-provider/token.actions.githubusercontent.com"), var.provider_arn == null)
    error_message = "The provider must be that of token.actions.githubusercontent.com: the claims of an Enterprise Server or of an enterprise's own issuer are others."
  }
}

variable "build_repositories" {
  description = "The repositories that no target follows: what pull requests have built, and the layers that builds begin with."
  type = object({
    image_arns = list(string)
    cache_arn  = string
  })
  nullable = false
}
