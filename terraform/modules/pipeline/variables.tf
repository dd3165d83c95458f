variable "name" {
  description = "Begins the name of every function, rule and queue."
  type        = string
  nullable    = false
}

variable "targets" {
  description = "The services that follow an image: the service module's `target` outputs as they are."
  type = list(object({
    repository     = string
    repository_arn = string
    cluster        = string
    service        = string
    family         = string
    role_arns      = list(string)
  }))
  nullable = false

  validation {
    condition     = length(var.targets) > 0
    error_message = "A pipeline needs at least one target."
  }

  validation {
    condition     = length(distinct(var.targets[*].service)) == length(var.targets)
    error_message = "Targets are named as their services are, so no two services may have the same name."
  }
}

variable "table" {
  description = "The ledger's table: its name, its ARN and the ARN of its stream."
  type = object({
    name       = string
    arn        = string
    stream_arn = string
  })
  nullable = false
}

variable "templates" {
  description = "The newest template of each target, as the ARN of its task definition, by the target's name. Whenever one changes, the target gets it. Only targets that the ledger holds and services that ECS knows."
  type        = map(string)
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.templates) : contains(var.targets[*].service, name)])
    error_message = "A template must be a target's: the key is the name of its service."
  }
}

variable "functions_dir" {
  description = "Where the built functions are: <functions_dir>/<function>/bootstrap.zip."
  type        = string
  nullable    = false
}

variable "architecture" {
  description = "The processor that the functions were built for: arm64 or x86_64."
  type        = string
  nullable    = false
}

variable "github" {
  description = "Where GitHub's API is, without a trailing slash, and who speaks there: a GitHub App, by its id and the name of the SSM SecureString parameter that holds its key, or a person, by the parameter that holds their token."
  type = object({
    api_url         = string
    token_parameter = optional(string)
    app = optional(object({
      id            = string
      key_parameter = string
    }))
  })
  nullable = false

  validation {
    condition     = !endswith(var.github.api_url, "/")
    error_message = "The address of GitHub's API must not end with a slash."
  }

  validation {
    condition     = (var.github.token_parameter == null) != (var.github.app == null)
    error_message = "Either a token or a GitHub App speaks to GitHub."
  }

  validation {
    condition     = startswith(coalesce(var.github.token_parameter, try(var.github.app.key_parameter, null), "none"), "/")
    error_message = "The parameter's name must begin with a slash."
  }
}

variable "other_ledgers" {
  description = "The tables of other installations, in this account and region, whose releases may be promoted to targets of this one."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "board_url" {
  description = "Where people read more about a rollout: linked from GitHub."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "How long the functions' logs are kept."
  type        = number
  nullable    = false
}
