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
  description = "The ECS cluster that the service runs in; FARGATE and FARGATE_SPOT must be among its capacity providers."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.cluster_name))
    error_message = "The cluster must be given by its name, not by its ARN."
  }
}

variable "network" {
  description = "Where the service stands: the network module's output, or an existing VPC with public subnets for the balancer and subnets for tasks. task_public_ip is for tasks that stand in public subnets: without it they would not reach AWS."
  type = object({
    vpc_id            = string
    public_subnet_ids = list(string)
    task_subnet_ids   = list(string)
    task_public_ip    = bool
  })
  nullable = false

  validation {
    condition     = startswith(var.network.vpc_id, "vpc-")
    error_message = "The network's vpc_id must be the ID of a VPC, which begins with vpc-."
  }

  validation {
    condition     = length(distinct(var.network.public_subnet_ids)) >= 2
    error_message = "The network needs two or more public subnets, in different zones: a balancer demands it."
  }

  validation {
    condition     = length(var.network.task_subnet_ids) >= 1
    error_message = "The network needs at least one subnet for tasks."
  }
}

variable "allowed_cidrs" {
  description = "The IPv4 ranges from which the balancer may be reached. The default is the whole internet."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrnetmask(cidr))])
    error_message = "Who may reach the balancer must be one or more IPv4 ranges, such as 203.0.113.0/24; all of the internet is 0.0.0.0/0."
  }
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

variable "tasks" {
  description = "How many tasks there are and how large each is. Between minimum and maximum the number follows two goals: cpu_goal, the percentage of its CPU that a task uses on average, and requests_goal, the requests that it answers in a minute. spot_percent of them run on Fargate Spot. CPU is in units (1024 are one processor), memory in MiB; the default is the smallest that Fargate has."
  type = object({
    minimum       = optional(number, 1)
    maximum       = optional(number, 4)
    spot_percent  = optional(number, 0)
    cpu           = optional(number, 256)
    memory        = optional(number, 512)
    cpu_goal      = optional(number, 60)
    requests_goal = optional(number, 1200)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.tasks.minimum >= 1 && var.tasks.maximum >= var.tasks.minimum && floor(var.tasks.minimum) == var.tasks.minimum && floor(var.tasks.maximum) == var.tasks.maximum
    error_message = "A service has at least one task, and its maximum is not below its minimum; both are whole numbers."
  }

  validation {
    condition     = var.tasks.spot_percent >= 0 && var.tasks.spot_percent <= 100 && floor(var.tasks.spot_percent) == var.tasks.spot_percent
    error_message = "The share of Spot must be a whole percentage between 0 and 100."
  }

  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
  validation {
    condition = contains(lookup({
      "256"   = [512, 1024, 2048]
      "512"   = range(1024, 4096 + 1, 1024)
      "1024"  = range(2048, 8192 + 1, 1024)
      "2048"  = range(4096, 16384 + 1, 1024)
      "4096"  = range(8192, 30720 + 1, 1024)
      "8192"  = range(16384, 61440 + 1, 4096)
      "16384" = range(32768, 122880 + 1, 8192)
    }, tostring(var.tasks.cpu), []), var.tasks.memory)
    error_message = "Fargate has no task of this size. CPU may be 256 (with 512, 1024 or 2048 MiB), 512 (1024 to 4096), 1024 (2048 to 8192), 2048 (4096 to 16384), 4096 (8192 to 30720; so far in steps of 1024), 8192 (16384 to 61440 in steps of 4096) or 16384 (32768 to 122880 in steps of 8192)."
  }

  validation {
    condition     = var.tasks.cpu_goal >= 10 && var.tasks.cpu_goal <= 90 && var.tasks.requests_goal >= 1
    error_message = "The goal for CPU must be between 10 and 90 percent, and the one for requests at least 1 in a minute."
  }
}

variable "container" {
  description = "The container whose image rollouts replace: the port that it listens on (told by PORT), what the balancer asks and what ECS runs in it to know whether it is well (a program and its arguments, no shell), the seconds that it may take to start, and its environment variables. Nothing secret in those: they are readable in the task definition. url_variable and balancer_variable name further ones, which get the service's own address and its balancer's ARN."
  type = object({
    port              = optional(number, 8080)
    health_path       = optional(string, "/healthz")
    health_command    = optional(list(string), ["/service", "healthcheck"])
    start_seconds     = optional(number, 5)
    variables         = optional(map(string), {})
    url_variable      = optional(string)
    balancer_variable = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.container.port >= 1024 && var.container.port <= 65535 && floor(var.container.port) == var.container.port
    error_message = "Tasks do not run as root: their port must be between 1024 and 65535."
  }

  validation {
    condition     = startswith(var.container.health_path, "/")
    error_message = "The health check's path must begin with a slash."
  }

  validation {
    condition     = length(var.container.health_command) > 0
    error_message = "The health check's command must name a program."
  }

  validation {
    condition     = var.container.start_seconds >= 0 && var.container.start_seconds <= 300 && floor(var.container.start_seconds) == var.container.start_seconds
    error_message = "A container may take between 0 and 300 whole seconds to start: ECS waits no longer."
  }
}

variable "task_policy" {
  description = "The IAM policy, as JSON, of what the program in the task may do."
  type        = string
  nullable    = false

  validation {
    condition     = can(jsondecode(var.task_policy).Statement)
    error_message = "The task's policy must be a JSON document with statements."
  }
}

variable "domain" {
  description = "The service's own name, served with HTTPS. With zone_id, a Route 53 zone, its certificate and its DNS records are made here; with certificate_arn, an ACM certificate, DNS is the owner's. Null serves plain HTTP under the balancer's own address."
  type = object({
    name            = string
    zone_id         = optional(string)
    certificate_arn = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null ? true : (var.domain.zone_id == null) != (var.domain.certificate_arn == null)
    error_message = "A domain comes with either a zone_id or a certificate_arn: exactly one of the two."
  }

  validation {
    condition     = var.domain == null ? true : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain.name))
    error_message = "A domain's name must be a full one in lower case, such as board.example.com."
  }

  validation {
    condition     = try(var.domain.certificate_arn, null) == null ? true : can(regex("^arn:[a-z-]+:acm:", var.domain.certificate_arn))
    error_message = "A domain's certificate must be given by the ARN that ACM knows it by."
  }
}

variable "rollback_errors" {
  description = "How many answers with a 5xx status within a minute make ECS take a release back while it is being deployed. Raise it for a service whose normal day has more."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.rollback_errors >= 1 && floor(var.rollback_errors) == var.rollback_errors
    error_message = "A release is taken back for at least 1 error in a minute, in whole numbers."
  }
}

variable "deletion_protection" {
  description = "Whether the balancer, the repository while it has images, and the bucket while it has logs refuse to be destroyed."
  type        = bool
  nullable    = false
}

variable "log_retention_days" {
  description = "How long the service's logs and the balancer's are kept."
  type        = number
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}
