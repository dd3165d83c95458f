# The service. Terraform makes it and decides how it deploys; which revision it runs is `rollout`'s to say, and how
# many tasks is said by the first rollout and by whoever scales it afterwards.
resource "aws_ecs_service" "this" {
  name        = var.name
  cluster     = var.cluster_name
  launch_type = "FARGATE"

  # It begins with the template, whose image does not exist, and therefore with no task at all: a deployment of
  # nothing, which succeeds.
  task_definition = aws_ecs_task_definition.template.arn
  desired_count   = 0

  # New tasks beside the old ones, and old ones go only when new ones are healthy: nobody is turned away.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  # Without the breaker a bad image is tried for ever and ECS never says FAILED; with rollback the old release is back
  # before anyone is called. Default: both off.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.network.task_subnet_ids
    security_groups  = [var.network.task_security_group_id]
    assign_public_ip = var.network.task_public_ip
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = local.container
    container_port   = var.port
  }

  lifecycle {
    ignore_changes = [task_definition, desired_count]
  }

  # ECS refuses a target group that no listener leads to, and cannot start tasks by a role that may not yet pull.
  depends_on = [aws_lb_listener.http, aws_lb_listener.https, aws_iam_role_policy.execution]
}
