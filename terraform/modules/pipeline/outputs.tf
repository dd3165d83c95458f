output "functions" {
  description = "The names of the functions, by what they do."
  value       = { for does, function in local.functions : does => function.name }
}

output "log_groups" {
  description = "The names of the functions' log groups, by what they do."
  value       = { for does, function in local.functions : does => function.log_group }
}

output "failure_queue" {
  description = "The queue of everything that could not be done: its name and its URL."
  value = {
    name = aws_sqs_queue.failures.name
    url  = aws_sqs_queue.failures.url
  }
}

output "alarm_topic_arn" {
  description = "The topic that every alarm goes to."
  value       = aws_sns_topic.alarms.arn
}

output "alarm_arns" {
  description = "The alarms, for a dashboard."
  value       = concat(values(aws_cloudwatch_metric_alarm.happened)[*].arn, [aws_cloudwatch_metric_alarm.stands_still.arn])
}
