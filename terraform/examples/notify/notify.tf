# Verdicts to a topic, and from there to a mailbox, a phone or a chat. Nothing of Couplet has to know of it: whoever wants
# to hear of rollouts has a rule on the bus. docs/rollout-state-change.schema.json describes the event.
#
#     terraform -chdir=terraform/examples/notify init
#     terraform -chdir=terraform/examples/notify apply
#     aws sns subscribe --topic-arn "$(terraform -chdir=terraform/examples/notify output -raw topic_arn)" \
#       --protocol email --notification-endpoint YOU@EXAMPLE.COM

# A verdict is there when a rollout ends and never changes, so this fires once a rollout, or twice where EventBridge
# delivers twice.
resource "aws_cloudwatch_event_rule" "verdict" {
  name        = "${var.name}-verdicts"
  description = "A rollout ended with a verdict that somebody wants to hear of."

  event_pattern = jsonencode({
    source      = ["couplet"]
    detail-type = ["Couplet Rollout State Change"]
    detail = {
      environment = var.environments
      verdict     = var.verdicts
    }
  })
}

resource "aws_cloudwatch_event_target" "topic" {
  rule      = aws_cloudwatch_event_rule.verdict.name
  target_id = "topic"
  arn       = aws_sns_topic.verdicts.arn

  # Three lines for people. What an event does not have, such as the reason of a success, is left out.
  # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
  input_transformer {
    input_paths = {
      target  = "$.detail.target"
      verdict = "$.detail.verdict"
      tag     = "$.detail.release.tag"
      reason  = "$.detail.reason"
      page    = "$.detail.page"
    }

    input_template = <<-TEMPLATE
      "<target>: <tag> <verdict>"
      "<reason>"
      "<page>"
    TEMPLATE
  }
}

# It has no KMS key: EventBridge cannot publish to a topic that is encrypted with the key of AWS, and a verdict is no secret.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html
resource "aws_sns_topic" "verdicts" {
  # checkov:skip=CKV_AWS_26:EventBridge cannot publish to a topic with the key of AWS, and a verdict holds nothing secret.

  name = "${var.name}-verdicts"
}

# This rule publishes, and nobody else from outside of the account's own policies. Default: everything in the account.
resource "aws_sns_topic_policy" "verdicts" {
  arn = aws_sns_topic.verdicts.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "VerdictsArePublished"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.verdicts.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.verdict.arn } }
    }]
  })
}
