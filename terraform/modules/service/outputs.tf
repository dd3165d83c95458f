output "target" {
  description = "What this service is to rollouts: the names that they go by, and the ARNs that they are allowed."
  value = {
    repository     = aws_ecr_repository.this.name
    repository_arn = aws_ecr_repository.this.arn
    cluster        = var.cluster_name
    service        = var.name
    container      = local.container
    template       = local.template
    family         = var.name
    role_arns      = [aws_iam_role.execution.arn, aws_iam_role.task.arn]
  }
}

output "repository_url" {
  description = "Where to push images."
  value       = aws_ecr_repository.this.repository_url
}

output "balancer_dns_name" {
  description = "The balancer's own address."
  value       = aws_lb.this.dns_name
}
