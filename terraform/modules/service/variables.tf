variable "name" {
  description = "The service's name, also of its repository, its balancer and the family of its revisions. Unique in the account."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "The name must be 2 to 32 lower-case letters, digits or hyphens, begin with a letter and not end with a hyphen: it names a balancer too."
  }
}

variable "cluster_name" {
  description = "The ECS cluster that the service runs in."
  type        = string
  nullable    = false
}

variable "network" {
  description = "Where the service stands; the network module's outputs as they are."
  type = object({
    vpc_id                     = string
    public_subnet_ids          = list(string)
    task_subnet_ids            = list(string)
    task_public_ip             = bool
    balancer_security_group_id = string
    task_security_group_id     = string
  })
  nullable = false
}

variable "architecture" {
  description = "The processor that the images are built for: arm64 or x86_64."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture must be arm64 or x86_64."
  }
}

variable "size" {
  description = "What a task gets, in CPU units (1024 are one processor) and MiB. The default is the smallest that Fargate has."
  type = object({
    cpu    = number
    memory = number
  })
  default  = { cpu = 256, memory = 512 }
  nullable = false
}

variable "port" {
  description = "The port that the container listens on; it is told by PORT."
  type        = number
  nullable    = false
}

variable "health_path" {
  description = "What the balancer asks to know whether a task can serve."
  type        = string
  default     = "/healthz"
  nullable    = false

  validation {
    condition     = startswith(var.health_path, "/")
    error_message = "The health check's path must begin with a slash."
  }
}

variable "health_command" {
  description = "What ECS runs in the container to know whether it is alive: a program and its arguments, no shell."
  type        = list(string)
  default     = ["/service", "healthcheck"]
  nullable    = false
}

variable "variables" {
  description = "The container's environment variables. Nothing secret: they are readable in the task definition."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "task_policy" {
  description = "The IAM policy, as JSON, of what the program in the task may do."
  type        = string
  nullable    = false
}

variable "certificate_arn" {
  description = "The ACM certificate to serve HTTPS with; empty serves HTTP."
  type        = string
  default     = ""
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether the balancer, and the repository while it has images, refuse to be destroyed."
  type        = bool
  nullable    = false
}

variable "log_retention_days" {
  description = "How long the service's logs are kept."
  type        = number
  nullable    = false
}
