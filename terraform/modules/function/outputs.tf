output "name" {
  description = "The function's name. Whoever invokes it by this name finds its rights in place."
  value       = aws_lambda_function.this.function_name
  depends_on  = [aws_iam_role_policy.runtime, aws_iam_role_policy.work]
}

output "arn" {
  description = "The function's ARN. Whoever invokes it by this ARN finds its rights in place."
  value       = aws_lambda_function.this.arn
  depends_on  = [aws_iam_role_policy.runtime, aws_iam_role_policy.work]
}

output "policy" {
  description = "The policy of its work, as given."
  value       = aws_iam_role_policy.work.policy
}

output "variables" {
  description = "Its environment variables, as given."
  value       = var.variables
}

output "log_group" {
  description = "The name of its log group: one JSON object a line."
  value       = aws_cloudwatch_log_group.this.name
}
