variable "name" {
  description = "What this installation is called; with the environment it begins the name of everything made here."
  type        = string
  default     = "couplet"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,12}$", var.name))
    error_message = "The name must be 1 to 13 lower-case letters, digits or hyphens and begin with a letter: a balancer's whole name has 32 characters."
  }
}

variable "environment" {
  description = "The environment that is deployed to, as GitHub will show it."
  type        = string
  default     = "production"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", var.environment))
    error_message = "The environment must be 2 to 12 lower-case letters, digits or hyphens, begin with a letter and not end with a hyphen."
  }
}

variable "region" {
  description = "The AWS region that everything lives in."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "github" {
  description = "Whose commits are told, as owner/name; the API, which is https://HOST/api/v3 on an Enterprise Server; and who tells them: a GitHub App, by its id and the name of the SSM SecureString parameter that holds its private key, or a person, by the parameter that holds their fine-grained token (without either, /couplet/github-token). Terraform neither creates nor reads what is in the parameters."
  type = object({
    repository      = string
    api_url         = optional(string, "https://api.github.com")
    token_parameter = optional(string)
    app = optional(object({
      id            = string
      key_parameter = optional(string, "/couplet/github-app-key")
    }))
  })
  nullable = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "The GitHub repository must be written as owner/name."
  }

  validation {
    condition     = can(regex("^(https://|http://(127\\.0\\.0\\.1|localhost)(:|/|$))", var.github.api_url)) && !endswith(var.github.api_url, "/")
    error_message = "The GitHub API must be an https:// address without a trailing slash; the token travels with each call, so plain http is for this machine only."
  }

  validation {
    condition     = var.github.token_parameter == null || var.github.app == null
    error_message = "Either a GitHub App tells the commits or a person's token does, not both."
  }

  validation {
    condition     = var.github.app == null ? true : can(regex("^[A-Za-z0-9.]+$", var.github.app.id))
    error_message = "A GitHub App is named by its App ID, such as 1234567, or by its client ID."
  }

  validation {
    condition = alltrue([
      for name in compact([var.github.token_parameter, try(var.github.app.key_parameter, null)]) : can(regex("^(/[A-Za-z0-9_.-]+)+$", name))
    ])
    error_message = "A parameter's name must be a path that begins with a slash, such as /couplet/github-token."
  }
}

variable "tag_policy" {
  description = "Which image tags the board follows: a shell pattern (glob), a regular expression whose group `commit` names the commit (regex), or a version range (semver). The repository's tags are immutable, so one fixed tag could be pushed only once."
  type = object({
    kind    = string
    pattern = string
  })
  default = {
    kind    = "regex"
    pattern = "^main-(?P<commit>[0-9a-f]{40})$"
  }
  nullable = false

  validation {
    condition     = contains(["glob", "regex", "semver"], var.tag_policy.kind)
    error_message = "The kind of a tag policy must be glob, regex or semver."
  }

  validation {
    condition     = var.tag_policy.pattern != ""
    error_message = "A tag policy needs a pattern."
  }
}

variable "rollouts" {
  description = "How long a rollout may take, in seconds, before its verdict is timed_out (ECS itself takes up to a quarter of an hour to give up a release that fails its health checks), and the worst finding of ECR's scan with which an image is still rolled out by itself: INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL. Without one, scans are not waited for."
  type = object({
    deadline_seconds = optional(number, 1800)
    max_severity     = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.rollouts.deadline_seconds >= 60 && floor(var.rollouts.deadline_seconds) == var.rollouts.deadline_seconds
    error_message = "The deadline must be at least 60 whole seconds: the sweep that keeps it comes once a minute."
  }

  validation {
    condition = var.rollouts.max_severity == null ? true : contains(
      ["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"], var.rollouts.max_severity
    )
    error_message = "The worst finding let through must be INFORMATIONAL, LOW, MEDIUM, HIGH or CRITICAL, as ECR says it."
  }
}

variable "promotes_from" {
  description = "The environments whose releases may be promoted to this one: installations of the same name, in the same account and region, whose ledgers `rollout` may read."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for environment in var.promotes_from : can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", environment))])
    error_message = "Releases come from environments, such as staging."
  }

  validation {
    condition     = !contains(var.promotes_from, var.environment)
    error_message = "Releases of this environment need no promotion to it."
  }
}

variable "tasks" {
  description = "The board's tasks: how many there are at least and at most, how many in a hundred may run on spare capacity (cheaper by two thirds, and may be taken away with two minutes' notice), and what each gets, in CPU units (1024 are one processor) and MiB."
  type = object({
    minimum      = optional(number, 1)
    maximum      = optional(number, 4)
    spot_percent = optional(number, 0)
    cpu          = optional(number, 256)
    memory       = optional(number, 512)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.tasks.minimum >= 1 && var.tasks.maximum >= var.tasks.minimum && floor(var.tasks.minimum) == var.tasks.minimum && floor(var.tasks.maximum) == var.tasks.maximum
    error_message = "There must be at least one task, and at most no fewer than at least."
  }

  validation {
    condition     = var.tasks.spot_percent >= 0 && var.tasks.spot_percent <= 100 && floor(var.tasks.spot_percent) == var.tasks.spot_percent
    error_message = "The share of spare capacity is a whole number of percent between 0 and 100."
  }
}

variable "network" {
  description = "The network that is made: its IPv4 range, how many zones it spans, and the way out of its private subnets. \"single\" is one NAT gateway for all zones, \"per_zone\" one in each, \"none\" lets tasks reach AWS through endpoints and nothing else. Or an existing one to stand in: its VPC, two or more public subnets for the balancer, the subnets of tasks, and whether tasks need a public address there to reach AWS."
  type = object({
    cidr  = optional(string, "10.71.0.0/16")
    zones = optional(number, 2)
    nat   = optional(string, "single")
    existing = optional(object({
      vpc_id            = string
      public_subnet_ids = list(string)
      task_subnet_ids   = list(string)
      task_public_ip    = bool
    }))
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(cidrhost(var.network.cidr, 0)) && try(tonumber(split("/", var.network.cidr)[1]) >= 16 && tonumber(split("/", var.network.cidr)[1]) <= 23, false)
    error_message = "The network must be an IPv4 range between /16 and /23, such as 10.71.0.0/16: a sixteenth of a smaller one has no room for a balancer."
  }

  validation {
    condition     = contains([2, 3, 4], var.network.zones)
    error_message = "A network spans 2, 3 or 4 zones: a balancer demands two."
  }

  validation {
    condition     = contains(["none", "single", "per_zone"], var.network.nat)
    error_message = "The choice of NAT must be none, single or per_zone."
  }

  validation {
    condition     = try(length(var.network.existing.public_subnet_ids) >= 2 && length(var.network.existing.task_subnet_ids) >= 1, var.network.existing == null)
    error_message = "An existing network needs at least two public subnets, in different zones, and one for tasks."
  }
}

variable "domain" {
  description = "The board's own name, which makes it HTTPS: with the Route 53 zone that holds it, for a certificate and a record made here, or with the ACM certificate that you have for it. Null serves plain HTTP under the balancer's name."
  type = object({
    name            = string
    zone_id         = optional(string)
    certificate_arn = optional(string)
  })
  default = null

  validation {
    condition     = try((var.domain.zone_id == null) != (var.domain.certificate_arn == null), var.domain == null)
    error_message = "A domain needs either the zone_id that it is in or the certificate_arn that was issued for it."
  }
}

variable "board_url" {
  description = "Where people open the board, if that is neither the domain nor the balancer's own address: a proxy before it, for example."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.board_url == "" || can(regex("^https?://[^/]+$", var.board_url))
    error_message = "The board's URL must be a scheme and a host without a trailing slash, such as https://board.example.com."
  }
}

variable "allowed_cidrs" {
  description = "Who may open the board, as IPv4 ranges. The default is everybody."
  type        = list(string)
  default     = ["0.0.0.0/0"]
  nullable    = false

  validation {
    condition     = length(var.allowed_cidrs) > 0 && alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Those who may open the board are named by IPv4 ranges, such as 203.0.113.0/24."
  }
}

variable "acting" {
  description = "Who may roll back, redeploy, promote, hold and release on the board. Nobody, unless one of three is set. github: who may write to the target's repository and signs in with a GitHub App, given by its client ID; its client secret is in an SSM SecureString that Terraform neither creates nor reads. tokens: scripts, each by its name and the SHA-256 of its token. balancer: whom a rule of yours on the board's listener has let in by OpenID Connect."
  type = object({
    github = optional(object({
      client_id        = string
      secret_parameter = optional(string, "/couplet/github-client-secret")
    }))
    tokens   = optional(map(string), {})
    balancer = optional(bool, false)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.acting.github == null ? true : can(regex("^(/[A-Za-z0-9_.-]+)+$", var.acting.github.secret_parameter))
    error_message = "The client secret's parameter must be a path that begins with a slash, such as /couplet/github-client-secret."
  }

  validation {
    condition     = alltrue([for name, hash in var.acting.tokens : can(regex("^[A-Za-z0-9_.-]+$", name)) && can(regex("^[0-9a-f]{64}$", hash))])
    error_message = "A token is given by a name of letters, digits, dashes and dots, and its SHA-256 in 64 lower-case hexadecimal digits: printf %s TOKEN | sha256sum."
  }

  # To ask GitHub, SSM or for the balancer's keys, a task must get out.
  validation {
    condition     = (var.acting.github == null && !var.acting.balancer) || var.network.nat != "none" || var.network.existing != null
    error_message = "People can sign in only where tasks reach GitHub or the balancer's keys: with network.nat none they do not."
  }

  # Whoever can listen on the way could take somebody's session.
  validation {
    condition     = (var.acting.github == null && !var.acting.balancer) || var.domain != null || startswith(var.board_url, "https://") || can(regex("^http://127\\.0\\.0\\.1(:|$)", var.board_url))
    error_message = "People sign in over HTTPS only: set domain, or board_url if something before the balancer speaks HTTPS."
  }
}

variable "functions_dir" {
  description = "Where the built functions are: <functions_dir>/<function>/bootstrap.zip, as `cargo lambda build --output-format zip` leaves them."
  type        = string
  default     = "../target/lambda"
  nullable    = false
}

variable "architecture" {
  description = "The processor that the functions and the images were built for. arm64 costs a fifth less and starts sooner."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture must be arm64 or x86_64."
  }
}

variable "deletion_protection" {
  description = "Whether what cannot be made again (the ledger, the repository with its images, the balancer's address) refuses to be destroyed."
  type        = bool
  default     = true
  nullable    = false
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545 or 731 days."
  }
}
