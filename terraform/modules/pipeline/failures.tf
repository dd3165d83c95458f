# Everything that could not be done ends here: events that could not be handed over, events that a function failed on
# three times, changes that GitHub would not hear of. Nothing is lost in silence.
resource "aws_sqs_queue" "failures" {
  name = local.failure_queue

  # Two weeks, the longest there is: holidays happen. Default: 4 days.
  message_retention_seconds = 1209600

  # SQS's own key: EventBridge could not write to a queue with a KMS key without a policy on that key.
  sqs_managed_sse_enabled = true

  # Functions write by their roles, EventBridge by this. It stands inside the queue because the provider waits for half
  # a minute after each of the two.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RulesHandOver"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = local.failure_queue_arn
      Condition = {
        ArnEquals = { "aws:SourceArn" = sort(concat(
          values(aws_cloudwatch_event_rule.event)[*].arn,
          [aws_cloudwatch_event_rule.sweep.arn],
        )) }
      }
    }]
  })
}
