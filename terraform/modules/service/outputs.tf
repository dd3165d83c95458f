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

output "template_arn" {
  description = "The newest template. Whoever sees it change asks for a rollout."
  value       = aws_ecs_task_definition.template.arn

  # A rollout that is asked for before there is a service has nothing to roll.
  depends_on = [aws_ecs_service.this]
}

output "repository_url" {
  description = "Where to push images."
  value       = aws_ecr_repository.this.repository_url
}

output "url" {
  description = "Where the service answers: under its domain, or under the balancer's own address."
  value       = local.url
}

output "metrics" {
  description = "What the service's metrics go by in CloudWatch."
  value = {
    cluster       = var.cluster_name
    service       = aws_ecs_service.this.name
    load_balancer = aws_lb.this.arn_suffix
    target_group  = aws_lb_target_group.this.arn_suffix
  }
}

output "listener_arn" {
  description = "The listener that people reach: rules of your own go there, such as one that lets people sign in."
  value       = var.domain == null ? aws_lb_listener.http.arn : one(values(aws_lb_listener.https)).arn
}

output "target_group_arn" {
  description = "Where such a rule leads to."
  value       = aws_lb_target_group.this.arn
}
