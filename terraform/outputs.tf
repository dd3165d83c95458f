output "board_url" {
  description = "Where the board is."
  value       = local.board_url
}

output "repository_url" {
  description = "Where to push the board's images: <repository_url>:<tag>."
  value       = module.board.repository_url
}

output "repository_name" {
  description = "The repository without its registry, as ECR's events name it."
  value       = module.board.target.repository
}

output "cluster" {
  description = "The ECS cluster's name."
  value       = aws_ecs_cluster.this.name
}

output "service" {
  description = "The ECS service's name, which is also the target's."
  value       = module.board.target.service
}

output "ledger_table" {
  description = "The DynamoDB table that remembers targets, rollouts and verdicts."
  value       = module.ledger.table.name
}

output "functions" {
  description = "The names of the functions, by what they do."
  value       = module.pipeline.functions
}

output "failure_queue_url" {
  description = "The queue of everything that could not be done. It should be empty."
  value       = module.pipeline.failure_queue.url
}

output "alarm_topic_arn" {
  description = "The SNS topic of all alarms. Subscribe to it."
  value       = module.pipeline.alarm_topic_arn
}

output "dashboard_url" {
  description = "The CloudWatch dashboard."
  value       = "https://${var.region}.console.aws.amazon.com/cloudwatch/home?region=${var.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.this.dashboard_name}"
}

output "board_listener" {
  description = "The board's listener and target group, for rules of your own: see acting.balancer."
  value       = { listener_arn = module.board.listener_arn, target_group_arn = module.board.target_group_arn }
}
