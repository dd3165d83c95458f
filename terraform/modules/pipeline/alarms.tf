# Who wants to know subscribes to this topic.
#
# It has no KMS key. CloudWatch cannot publish to a topic that is encrypted with the key of AWS, a key of our own costs a
# dollar a month, and an alarm holds nothing secret: names of this installation and the sentences below.
# https://repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
resource "aws_sns_topic" "alarms" {
  # checkov:skip=CKV_AWS_26:CloudWatch cannot publish to a topic with the key of AWS, and an alarm holds nothing secret.

  name = local.alarm_topic

  # The alarms of this installation may publish, and whoever the account's own policies allow. Default: everything in
  # the account. It stands inside the topic so that there is no moment without it.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsPublish"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = local.alarm_topic_arn
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-*" }
      }
    }]
  })
}

# What only the functions know, counted from their logs: `verdict` writes one line for each rollout that ended, and
# `rollout` one for each thing that its sweep repaired. Their keys have dots in them, and such a key is selected in
# brackets.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
resource "aws_cloudwatch_log_metric_filter" "counted" {
  for_each = local.counted

  name           = "${var.name}-${each.key}"
  log_group_name = each.value.log_group
  pattern        = each.value.pattern

  # Without a default value, so that there is a metric, and a price, only when there is something to count.
  metric_transformation {
    namespace = local.metrics
    name      = each.value.metric
    value     = "1"
  }
}

locals {
  alarm_topic     = "${var.name}-alarms"
  alarm_topic_arn = "arn:${local.partition}:sns:${local.region}:${local.account}:${local.alarm_topic}"

  # Installations share an account, so each counts under its own name.
  metrics = "Couplet/${var.name}"

  counted = {
    timed-out = {
      log_group = module.verdict.log_group
      metric    = "timed-out"
      pattern   = "{ $.['rollout.verdict'] = \"timed_out\" }"
    }

    # Only the sweep keeps deadlines, so there it repairs nothing.
    verdict-swept = {
      log_group = module.verdict.log_group
      metric    = "swept"
      pattern   = "{ ($.['rollout.found_by'] = \"sweep\") && ($.['rollout.verdict'] != \"timed_out\") }"
    }

    rollout-swept = {
      log_group = module.rollout.log_group
      metric    = "swept"
      pattern   = "{ $.['rollout.found_by'] = \"sweep\" }"
    }
  }

  # What should not happen; `over` is the most that is still well.
  alarms = merge(
    {
      failures = {
        namespace   = "AWS/SQS"
        metric      = "ApproximateNumberOfMessagesVisible"
        dimensions  = { QueueName = aws_sqs_queue.failures.name }
        statistic   = "Maximum"
        over        = 0
        period      = local.minute
        description = "Something could not be done and waits in the queue ${local.failure_queue}: a push without a rollout, or a verdict that GitHub was not told. First read a message there without deleting it: it says what was to be done and why it was not."
      }

      timed-out = {
        namespace   = local.metrics
        metric      = "timed-out"
        dimensions  = {}
        statistic   = "Sum"
        over        = 0
        period      = local.minute
        description = "A rollout was neither live nor rolled back at its deadline, and its verdict is timed_out; ECS may still be at it. First find the service in the log group ${module.verdict.log_group}, then look at its deployments and events in ECS."
      }

      # The clock may be a second faster than the event, so one of these is no fault yet; but who sees it twice knows
      # that events are lost before anybody misses a verdict.
      swept = {
        namespace   = local.metrics
        metric      = "swept"
        dimensions  = {}
        statistic   = "Sum"
        over        = 0
        period      = local.minute
        description = "The clock found what no event had told: an image that was pushed, a rollout that was left half-done, or how one ended. All is well again and nobody needs to get up: once may be chance. If it comes again, first look for \"repaired\" and \"sweep\" in the logs of ${module.rollout.name} and ${module.verdict.name}, and whether the rules ${var.name}-image-pushed and ${var.name}-deployment-changed are there and enabled."
      }

      # GitHub's outages are its own, and the stream keeps for a day what was not told; after five minutes people begin
      # to ask why their commit says nothing. In milliseconds.
      behind = {
        namespace   = "AWS/Lambda"
        metric      = "IteratorAge"
        dimensions  = { FunctionName = module.report.name }
        statistic   = "Maximum"
        over        = 300000
        period      = 5 * local.minute
        description = "GitHub hears of rollouts more than five minutes late; the rollouts themselves go on. First look whether GitHub has an outage, then for the last error in the log group ${module.report.log_group}: an expired token is the usual one."
      }
    },

    # One is enough: what AWS answers wrongly the SDK asks again within a run, so a run that fails has a reason.
    { for does, function in local.functions : "${does}-errors" => {
      namespace   = "AWS/Lambda"
      metric      = "Errors"
      dimensions  = { FunctionName = function.name }
      statistic   = "Sum"
      over        = 0
      period      = 5 * local.minute
      description = "The function ${function.name} failed. It is tried again by itself, and what fails for good goes to the queue ${local.failure_queue}. First read the last error in the log group ${function.log_group}."
    } },
  )
}

# What a rule could not hand over has no alarm of its own: it goes to the failure queue, and the first alarm tells.
resource "aws_cloudwatch_metric_alarm" "happened" {
  for_each = local.alarms

  alarm_name        = "${var.name}-${each.key}"
  alarm_description = each.value.description
  alarm_actions     = [aws_sns_topic.alarms.arn]

  namespace   = each.value.namespace
  metric_name = each.value.metric
  dimensions  = each.value.dimensions

  # The first period in which it happens is enough.
  statistic           = each.value.statistic
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.over
  period              = each.value.period
  evaluation_periods  = 1

  # Each of these metrics comes only when something happens: an idle queue sends nothing, nor does a function that
  # nobody calls, nor a filter that matches no line. Silence is well, and ends an alarm. Default: missing.
  treat_missing_data = "notBreaching"
}

# The other kind: what should happen and does not. Without its clock `verdict` finds neither what events lost nor what
# is past its deadline, and would not say so.
resource "aws_cloudwatch_metric_alarm" "stands_still" {
  alarm_name        = "${var.name}-sweep-stands-still"
  alarm_description = "The function ${module.verdict.name} did not run for five minutes, though the clock calls it every minute: rollouts may stay without a verdict. First look whether the rule ${aws_cloudwatch_event_rule.sweep.name} is there and enabled, then whether Lambda throttles the function."
  alarm_actions     = [aws_sns_topic.alarms.arn]

  namespace   = "AWS/Lambda"
  metric_name = "Invocations"
  dimensions  = { FunctionName = module.verdict.name }

  # Five calls are due in five minutes; one is enough to know that the clock goes.
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 5 * local.minute
  evaluation_periods  = 1

  # A function that does not run sends nothing: here silence is the fault. Default: missing.
  treat_missing_data = "breaching"
}
