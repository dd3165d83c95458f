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

variable "github_repository" {
  description = "The GitHub repository whose commits are told about their deployments, as owner/name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "The GitHub repository must be written as owner/name."
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

variable "vpc_cidr" {
  description = "The address range of the network; it is cut into sixteen parts, of which two public and two private subnets take four."
  type        = string
  default     = "10.71.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && try(tonumber(split("/", var.vpc_cidr)[1]) >= 16 && tonumber(split("/", var.vpc_cidr)[1]) <= 24, false)
    error_message = "The network must be an IPv4 range between /16 and /24, such as 10.71.0.0/16."
  }
}

variable "nat" {
  description = "How tasks reach AWS: \"none\" gives each task a public address of its own behind a security group that admits only the balancer (free, and no zone depends on another); \"single\" puts tasks into private subnets behind one NAT gateway (about $33 a month and its traffic)."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none", "single"], var.nat)
    error_message = "The choice of NAT must be none or single."
  }
}

variable "certificate_arn" {
  description = "The ACM certificate of the board's own name; empty serves plain HTTP under the balancer's name."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.certificate_arn == "" || startswith(var.board_url, "https://")
    error_message = "A certificate is for a name: give the board_url that it was issued for, beginning with https://."
  }
}

variable "board_url" {
  description = "Where people open the board; empty means the balancer's own address."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.board_url == "" || can(regex("^https?://[^/]+$", var.board_url))
    error_message = "The board's URL must be a scheme and a host without a trailing slash, such as https://board.example.com."
  }
}

variable "github_api_url" {
  description = "The GitHub API: https://api.github.com, or https://HOST/api/v3 of a GitHub Enterprise Server."
  type        = string
  default     = "https://api.github.com"
  nullable    = false

  validation {
    condition     = can(regex("^(https://|http://(127\\.0\\.0\\.1|localhost)(:|/|$))", var.github_api_url)) && !endswith(var.github_api_url, "/")
    error_message = "The GitHub API must be an https:// address without a trailing slash; the token travels with each call, so plain http is for this machine only."
  }
}

variable "github_token_parameter" {
  description = "The name of the SSM SecureString parameter that holds the GitHub token. Terraform neither creates it nor reads it."
  type        = string
  default     = "/couplet/github-token"
  nullable    = false

  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+)+$", var.github_token_parameter))
    error_message = "The parameter's name must be a path that begins with a slash, such as /couplet/github-token."
  }
}

variable "first_count" {
  description = "How many tasks the board gets with its first image; two or more are spread over the zones. Afterwards the number is the service's own."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.first_count >= 1 && floor(var.first_count) == var.first_count
    error_message = "A service begins with at least one task."
  }
}

variable "deadline_seconds" {
  description = "How long a rollout may take, in seconds, before its verdict is timed_out. ECS itself takes up to a quarter of an hour to give up a release that fails its health checks."
  type        = number
  default     = 1800
  nullable    = false

  validation {
    condition     = var.deadline_seconds >= 60 && floor(var.deadline_seconds) == var.deadline_seconds
    error_message = "The deadline must be at least 60 whole seconds: the sweep that keeps it comes once a minute."
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
