variable "name" {
  description = "Begins the names of the rule and the topic."
  type        = string
  default     = "couplet"
  nullable    = false
}

variable "region" {
  description = "The region of the installations: their events are on its bus."
  type        = string
  default     = "us-east-1"
  nullable    = false
}

variable "environments" {
  description = "The environments to hear of: installations of one account share the bus."
  type        = list(string)
  default     = ["production"]
  nullable    = false
}

variable "verdicts" {
  description = "The verdicts to hear of. The default is what somebody should look at."
  type        = list(string)
  default     = ["rolled_back", "failed", "stopped", "timed_out"]
  nullable    = false

  validation {
    condition     = length(var.verdicts) > 0 && length(setsubtract(var.verdicts, ["succeeded", "rolled_back", "failed", "superseded", "stopped", "timed_out"])) == 0
    error_message = "Verdicts are succeeded, rolled_back, failed, superseded, stopped and timed_out."
  }
}
