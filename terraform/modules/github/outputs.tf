output "plan_role_arn" {
  description = "The role of pull requests: terraform plan."
  value       = aws_iam_role.plan.arn
}

output "apply_role_arns" {
  description = "The roles of terraform apply, by environment."
  value       = { for environment, role in aws_iam_role.apply : environment => role.arn }
}

output "push_role_arn" {
  description = "The role that pushes images."
  value       = aws_iam_role.push.arn
}

output "pull_request_push_role_arn" {
  description = "The role that pushes what pull requests have built."
  value       = aws_iam_role.pull_request_push.arn
}

output "request_role_arn" {
  description = "The role that asks for rollouts."
  value       = aws_iam_role.request.arn
}
