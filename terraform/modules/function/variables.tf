variable "name" {
  description = "The function's name, also of its role and its log group."
  type        = string
  nullable    = false
}

variable "description" {
  description = "What it does, in one sentence."
  type        = string
  nullable    = false
}

variable "package" {
  description = "The zip that holds its program, `bootstrap`."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists(var.package)
    error_message = "The function's package is missing. Build the functions first (cargo lambda build --release --output-format zip) or set functions_dir to where they are."
  }
}

variable "architecture" {
  description = "The processor that the program was built for: arm64 or x86_64."
  type        = string
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "The architecture must be arm64 or x86_64."
  }
}

variable "variables" {
  description = "Its environment variables. Nothing secret: they are readable in the function's configuration."
  type        = map(string)
  nullable    = false
}

variable "policy" {
  description = "The IAM policy, as JSON, of exactly the calls that it makes."
  type        = string
  nullable    = false
}

variable "failure_queue_arn" {
  description = "The queue for events that it failed on."
  type        = string
  nullable    = false
}

variable "log_retention_days" {
  description = "How long its logs are kept."
  type        = number
  nullable    = false
}
