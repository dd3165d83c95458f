output "functions" {
  description = "The names of the functions, by what they do."
  value = {
    rollout = module.rollout.name
    verdict = module.verdict.name
    report  = module.report.name
  }
}

output "failure_queue_url" {
  description = "The queue of everything that could not be done."
  value       = aws_sqs_queue.failures.url
}

output "alarm_topic_arn" {
  description = "The topic that says when the failure queue is not empty."
  value       = aws_sns_topic.alarms.arn
}
