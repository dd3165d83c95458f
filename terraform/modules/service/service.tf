locals {
  # What runs on which capacity, in parts of a hundred. A provider with no part is not named at all: ECS would place
  # nothing on it, and the service would still depend on it.
  capacity = { for provider, weight in {
    FARGATE      = 100 - var.tasks.spot_percent
    FARGATE_SPOT = var.tasks.spot_percent
  } : provider => weight if weight > 0 }
}

# The service. Terraform makes it and decides how it deploys; which revision it runs is `rollout`'s to say, and how
# many tasks is autoscaling's.
resource "aws_ecs_service" "this" {
  name    = var.name
  cluster = var.cluster_name

  # It begins with the template, whose image does not exist, and therefore with no task at all: a deployment of
  # nothing, which succeeds. With tasks it would fail, and a service without a deployment that succeeded has nothing
  # that the breaker could go back to.
  task_definition = aws_ecs_task_definition.template.arn
  desired_count   = 0

  # Spot costs a third and may be taken away with two minutes' notice, so the first task stands on FARGATE, unless
  # everything is to be Spot.
  dynamic "capacity_provider_strategy" {
    for_each = local.capacity

    content {
      capacity_provider = capacity_provider_strategy.key
      weight            = capacity_provider_strategy.value
      base              = capacity_provider_strategy.key == "FARGATE" ? 1 : 0
    }
  }

  # Without this, another share of Spot would replace the service: the provider takes the old one away first, and the
  # new one begins with no task. With it, what changes here is deployed anew, with the revision that runs.
  # https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/ecs_service
  # Default: false.
  force_new_deployment = true

  # New tasks beside the old ones, and old ones go only when new ones are healthy: nobody is turned away. These are
  # ECS's defaults, said because the next one needs more than 100 percent.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  # When a zone comes back, tasks spread again without waiting for a rollout. Default: ENABLED in ECS, DISABLED in
  # some versions of the provider.
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html
  availability_zone_rebalancing = "ENABLED"

  # What checks say of a task that is still starting does not count. Default: 0, which kills whatever needs longer to
  # start than the balancer has patience.
  health_check_grace_period_seconds = var.container.start_seconds

  # Without the breaker a bad image is tried for ever and ECS never says FAILED; with rollback the old release is back
  # before anyone is called. Default: both off.
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  # The breaker counts tasks that do not become healthy, the alarm errors of those that did. Default: no alarms.
  alarms {
    enable      = true
    rollback    = true
    alarm_names = [aws_cloudwatch_metric_alarm.errors.alarm_name]
  }

  network_configuration {
    # checkov:skip=CKV_AWS_333:Off with the network module; only an existing network without another way out asks for it, and then the tasks' security group still admits the balancer alone.
    subnets          = var.network.task_subnet_ids
    security_groups  = [aws_security_group.tasks.id]
    assign_public_ip = var.network.task_public_ip
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.this.arn
    container_name   = local.container
    container_port   = var.container.port
  }

  # A task carries the tags of its revision, which say whose it is and which release, and those by which bills tell
  # services apart. Default: neither.
  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html
  propagate_tags          = "TASK_DEFINITION"
  enable_ecs_managed_tags = true

  lifecycle {
    ignore_changes = [task_definition, desired_count]
  }

  # ECS refuses a target group that no listener leads to, and cannot start tasks by a role that may not yet pull.
  depends_on = [aws_lb_listener.http, aws_lb_listener.https, aws_iam_role_policy.execution]
}
