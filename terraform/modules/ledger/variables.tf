variable "name" {
  description = "The table's name."
  type        = string
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  type        = bool
  nullable    = false
}

variable "targets" {
  description = "The services that follow an image: what a service is to ECS, which tags it follows, and whose commits are told."
  type = list(object({
    repository        = string
    cluster           = string
    service           = string
    container         = string
    template          = string
    family            = string
    environment       = string
    github_repository = string
    deadline_seconds  = number
    max_severity      = optional(string)
    first_count       = number
    environment_url   = string
    tag_policy = object({
      kind    = string
      pattern = string
    })
  }))
  nullable = false

  validation {
    condition     = alltrue([for target in var.targets : target.template != target.family])
    error_message = "A target's template and its live family must differ: Terraform owns the one and rollouts own the other."
  }
}
