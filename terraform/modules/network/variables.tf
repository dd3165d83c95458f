variable "name" {
  description = "Begins the name of everything in the network."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name))
    error_message = "The network's name must be 2 to 40 lower-case letters, digits or hyphens, begin with a letter and not end with a hyphen."
  }
}

variable "cidr" {
  description = "The network's IPv4 range. It is cut into sixteen equal parts: four for public subnets, four for private ones, the rest for what comes later."
  type        = string
  nullable    = false

  # A sixteenth of a /23 is a /27, the least that a balancer takes.
  # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html
  validation {
    condition     = can(cidrhost(var.cidr, 0)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 23, false)
    error_message = "The network must be an IPv4 range between /16 and /23, such as 10.71.0.0/16: a sixteenth of it is a subnet, and a balancer takes none smaller than a /27."
  }
}

variable "zones" {
  description = "How many availability zones the network spans."
  type        = number
  default     = 2
  nullable    = false

  validation {
    condition     = contains([2, 3, 4], var.zones)
    error_message = "The network must span 2, 3 or 4 zones: a balancer demands two, and there is room for four."
  }
}

variable "nat" {
  description = "How tasks reach AWS: through endpoints in the network and nothing else of the internet (none), through one NAT gateway (single), or through one in each zone (per_zone)."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat)
    error_message = "The choice of NAT must be none, single or per_zone."
  }
}

variable "log_retention_days" {
  description = "How long the flow logs are kept."
  type        = number
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}
