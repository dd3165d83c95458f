# One page that answers, from top to bottom: is anything wrong, what was rolled out lately, and is the machinery well?
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = local.prefix

  dashboard_body = jsonencode({
    # The last week, as long as nobody chooses otherwise: rollouts are few. Default: three hours.
    start   = "-P7D"
    widgets = local.widgets
  })
}

locals {
  # A row is 24 columns wide.
  # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
  widgets = [
    {
      type = "alarm", x = 0, y = 0, width = 24, height = 3
      properties = {
        title  = "Alarms"
        alarms = module.pipeline.alarm_arns
        sortBy = "stateUpdatedTimestamp"
      }
    },

    # `verdict` writes one line for each rollout that ended.
    {
      type = "log", x = 0, y = 3, width = 8, height = 7
      properties = {
        title  = "Rollouts by verdict"
        region = var.region
        view   = "bar"
        query  = <<-EOT
          SOURCE '${module.pipeline.log_groups.verdict}'
          | filter ispresent(rollout.verdict)
          | stats count(*) as rollouts by rollout.verdict
        EOT
      }
    },
    {
      type = "log", x = 8, y = 3, width = 16, height = 7
      properties = {
        title  = "The latest ends"
        region = var.region
        view   = "table"
        query  = <<-EOT
          SOURCE '${module.pipeline.log_groups.verdict}'
          | filter ispresent(rollout.verdict)
          | fields @timestamp as time, target.name as target, rollout.verdict as verdict, rollout.reason as reason
          | sort @timestamp desc
          | limit 20
        EOT
      }
    },

    {
      type = "metric", x = 0, y = 10, width = 8, height = 6
      properties = {
        title  = "Functions: errors"
        region = var.region
        view   = "timeSeries"
        stat   = "Sum"
        period = 300
        metrics = [
          for does, function in module.pipeline.functions :
          ["AWS/Lambda", "Errors", "FunctionName", function, { label = does }]
        ]
      }
    },
    {
      type = "metric", x = 8, y = 10, width = 8, height = 6
      properties = {
        title  = "Functions: how long 95 of 100 runs take, at most"
        region = var.region
        view   = "timeSeries"
        stat   = "p95"
        period = 300
        metrics = [
          for does, function in module.pipeline.functions :
          ["AWS/Lambda", "Duration", "FunctionName", function, { label = does }]
        ]
      }
    },
    {
      type = "metric", x = 16, y = 10, width = 8, height = 6
      properties = {
        title  = "Not done, and not yet told"
        region = var.region
        view   = "timeSeries"
        stat   = "Maximum"
        period = 60
        metrics = [
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", module.pipeline.failure_queue.name, { label = "messages in the failure queue" }],
          ["AWS/Lambda", "IteratorAge", "FunctionName", module.pipeline.functions.report, { label = "how late GitHub hears", yAxis = "right" }],
        ]
      }
    },

    {
      type = "metric", x = 0, y = 16, width = 8, height = 6
      properties = {
        title  = "Board: requests and errors"
        region = var.region
        view   = "timeSeries"
        stat   = "Sum"
        period = 60
        metrics = [
          ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", module.board.metrics.load_balancer, { label = "requests" }],
          ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "TargetGroup", module.board.metrics.target_group, "LoadBalancer", module.board.metrics.load_balancer, { label = "5xx of the board", yAxis = "right" }],
          ["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "LoadBalancer", module.board.metrics.load_balancer, { label = "5xx of the balancer", yAxis = "right" }],
        ]
      }
    },
    {
      type = "metric", x = 8, y = 16, width = 8, height = 6
      properties = {
        title  = "Board: response time"
        region = var.region
        view   = "timeSeries"
        period = 60
        metrics = [
          ["AWS/ApplicationELB", "TargetResponseTime", "TargetGroup", module.board.metrics.target_group, "LoadBalancer", module.board.metrics.load_balancer, { stat = "p50", label = "median" }],
          ["AWS/ApplicationELB", "TargetResponseTime", "TargetGroup", module.board.metrics.target_group, "LoadBalancer", module.board.metrics.load_balancer, { stat = "p95", label = "p95" }],
        ]
      }
    },
    {
      type = "metric", x = 16, y = 16, width = 8, height = 6
      properties = {
        title  = "Board: processor and memory, of what its tasks have"
        region = var.region
        view   = "timeSeries"
        stat   = "Average"
        period = 60
        yAxis  = { left = { min = 0, max = 100 } }
        metrics = [
          for metric, label in { CPUUtilization = "processor", MemoryUtilization = "memory" } :
          ["AWS/ECS", metric, "ClusterName", module.board.metrics.cluster, "ServiceName", module.board.metrics.service, { label = label }]
        ]
      }
    },
  ]
}
