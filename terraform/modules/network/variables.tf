variable "name" {
  description = "Begins the name of everything in the network."
  type        = string
  nullable    = false
}

variable "cidr" {
  description = "The network's IPv4 range."
  type        = string
  nullable    = false

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15))
    error_message = "The network must be an IPv4 range that can be cut into sixteen parts."
  }
}

variable "nat" {
  description = "How tasks reach AWS: from public subnets with an address of their own (none), or from private ones through one NAT gateway (single)."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["none", "single"], var.nat)
    error_message = "The choice of NAT must be none or single."
  }
}

variable "task_port" {
  description = "The port on which the balancer may reach tasks."
  type        = number
  nullable    = false

  validation {
    condition     = var.task_port >= 1024 && var.task_port <= 65535
    error_message = "Tasks do not run as root: their port must be between 1024 and 65535."
  }
}
