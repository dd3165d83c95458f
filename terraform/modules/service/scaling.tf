# How many tasks there are. Registering the service lifts its count to the minimum at once, also when nothing was ever
# pushed: its tasks then find no image and are started again, ever more seldom, until the first release takes their
# place. A minimum of nothing would avoid that and let scaling take the last task away later. While a deployment runs,
# tasks are added but none is taken away.
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html
resource "aws_appautoscaling_target" "tasks" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster_name}/${aws_ecs_service.this.name}"
  min_capacity       = var.tasks.minimum
  max_capacity       = var.tasks.maximum
}

locals {
  # CPU finds work that is heavy, requests find work that waits. Whichever wants more tasks gets them; both must agree
  # before one is taken away.
  # https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-target-tracking.html
  goals = {
    cpu      = { metric = "ECSServiceAverageCPUUtilization", value = var.tasks.cpu_goal, of = null }
    requests = { metric = "ALBRequestCountPerTarget", value = var.tasks.requests_goal, of = "${aws_lb.this.arn_suffix}/${aws_lb_target_group.this.arn_suffix}" }
  }
}

resource "aws_appautoscaling_policy" "goal" {
  for_each = local.goals

  name               = "${var.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.tasks.service_namespace
  scalable_dimension = aws_appautoscaling_target.tasks.scalable_dimension
  resource_id        = aws_appautoscaling_target.tasks.resource_id

  target_tracking_scaling_policy_configuration {
    target_value = each.value.value

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.value.of
    }

    # More at once: a new task serves within a minute, and the next measurement counts it. Default: 300.
    scale_out_cooldown = 60

    # Fewer with patience, so that a quiet minute in a busy hour costs no task. The default, said beside the other.
    scale_in_cooldown = 300
  }
}
