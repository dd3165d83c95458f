output "topic_arn" {
  description = "The topic. Subscribe to it."
  value       = aws_sns_topic.verdicts.arn
}
