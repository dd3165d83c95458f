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

variable "github_api_url" {
  description = "The GitHub API without a trailing slash."
  type        = string
  nullable    = false
}

variable "github_token_parameter" {
  description = "The name of the SSM SecureString parameter that holds the GitHub token, beginning with a slash."
  type        = string
  nullable    = false

  validation {
    condition     = startswith(var.github_token_parameter, "/")
    error_message = "The parameter's name must begin with a slash."
  }
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
