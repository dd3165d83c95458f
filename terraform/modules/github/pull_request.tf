# Pushes what a pull request has built, to repositories that no target follows: IAM knows no tags, so whoever may push to
# a followed repository could push what is rolled out. The cache is read and never written: what one pull request puts
# there, another would build with.
resource "aws_iam_role" "pull_request_push" {
  name                 = "${var.name}-ci-pull-request-push"
  description          = "GitHub Actions: pushing what pull requests of ${var.github.repository} have built."
  assume_role_policy   = local.trust["pull-request-push"]
  max_session_duration = local.session_seconds

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "pull_request_push" {
  name = "push"
  role = aws_iam_role.pull_request_push.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "LogIn"
        Effect = "Allow"
        Action = "ecr:GetAuthorizationToken"
        # A login is for the whole registry: AWS knows no narrower resource for it.
        Resource = "*"
      },
      {
        Sid      = "PushImages"
        Effect   = "Allow"
        Action   = local.push_actions
        Resource = var.build_repositories.image_arns
      },
      {
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = local.pull_actions
        Resource = concat(var.build_repositories.image_arns, [var.build_repositories.cache_arn])
      },
    ]
  })
}
