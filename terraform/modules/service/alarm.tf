# What no health check sees: a release that starts, says that it is well, and fails its visitors. ECS watches this
# alarm from the first new task until some minutes after the last old one is gone, and takes the release back if it
# rings. These minutes are the bake time: ECS derives it from the alarm and says only that it is less than five
# minutes by default, so the alarm is as short as ELB's metrics allow. Until it is over a good release serves, but its
# deployment is not COMPLETED and its rollout has no verdict. An alarm that rings already when a deployment begins is
# ignored for all of it: then nothing keeps people from deploying the repair.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-alarm-failure.html
resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name        = "${var.name}-errors"
  alarm_description = "Tasks of ${var.name} answer with 5xx. While a release is being deployed, ECS takes it back."

  # Errors of tasks alone. The balancer's own (no task to ask, a connection that broke) belong to the moment in which
  # tasks change, and would blame good releases.
  namespace   = "AWS/ApplicationELB"
  metric_name = "HTTPCode_Target_5XX_Count"
  statistic   = "Sum"
  dimensions = {
    LoadBalancer = aws_lb.this.arn_suffix
    TargetGroup  = aws_lb_target_group.this.arn_suffix
  }

  # One bad minute is enough: a minute is how often ELB counts, and a second one would double what visitors suffer and
  # what good releases wait. Ten errors in it are no accident of a single visitor.
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.rollback_errors
  period              = 60
  evaluation_periods  = 1

  # ELB counts errors only when there are some: no number means none. Default: missing, which leaves the alarm in doubt.
  treat_missing_data = "notBreaching"
}
