output "state_bucket" {
  description = "The bucket of the states: `terraform init -backend-config=environments/production.s3.tfbackend -backend-config=bucket=<this>`."
  value       = aws_s3_bucket.state.bucket
}

output "backend" {
  description = "Where this root's own state belongs, as the file backend.tf beside it."
  value       = <<-EOT
    # Written by `terraform output -raw backend > backend.tf`. To be committed: it is how the next person finds the state.
    terraform {
      backend "s3" {
        bucket       = "${aws_s3_bucket.state.bucket}"
        key          = "bootstrap/terraform.tfstate"
        region       = "${var.region}"
        encrypt      = true
        use_lockfile = true
      }
    }
  EOT
}

output "plan_role_arn" {
  description = "The role of pull requests."
  value       = module.github.plan_role_arn
}

output "apply_role_arns" {
  description = "The roles that apply, by environment."
  value       = module.github.apply_role_arns
}

output "push_role_arn" {
  description = "The role that pushes images."
  value       = module.github.push_role_arn
}

output "github_variables" {
  description = "What GitHub must know, as commands of its command line. None of it is secret."
  value = join("\n", concat(
    [
      for name, value in {
        AWS_REGION       = var.region
        AWS_STATE_BUCKET = aws_s3_bucket.state.bucket
        AWS_PLAN_ROLE    = module.github.plan_role_arn
        AWS_PUSH_ROLE    = module.github.push_role_arn

        AWS_PULL_REQUEST_PUSH_ROLE = module.github.pull_request_push_role_arn
      } : "gh variable set ${name} --repo ${var.github.repository} --body ${value}"
    ],
    [
      for environment, role_arn in module.github.apply_role_arns :
      "gh variable set AWS_APPLY_ROLE --repo ${var.github.repository} --env ${var.environments[environment]} --body ${role_arn}"
    ],
    [
      for environment in sort(keys(var.environments)) :
      "gh variable set AWS_REQUEST_ROLE --repo ${var.github.repository} --env requests-${environment} --body ${module.github.request_role_arn}"
    ],
    [""],
  ))
}
