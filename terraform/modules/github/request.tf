# Asks for a rollback or a promotion, as anybody may who can put this one event. IAM sees who puts which event and not
# what is in it, so a job of one environment could ask for another: one role for all says so plainly, and what each
# GitHub environment adds is its reviewers.
# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
resource "aws_iam_role" "request" {
  name                 = "${var.name}-ci-request"
  description          = "GitHub Actions: asking for rollouts, from ${var.github.repository}."
  assume_role_policy   = local.trust["request"]
  max_session_duration = local.session_seconds

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "request" {
  name = "request"
  role = aws_iam_role.request.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AskForRollouts"
      Effect   = "Allow"
      Action   = "events:PutEvents"
      Resource = "arn:${local.partition}:events:${local.region}:${local.account}:event-bus/default"
      Condition = {
        StringEquals = {
          "events:source"      = "couplet"
          "events:detail-type" = "Rollout Requested"
        }
      }
    }]
  })
}
