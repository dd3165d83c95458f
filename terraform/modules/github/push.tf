# Pushes images from the main branch and can do nothing else: what happens with an image is not for CI to say. Tags are
# immutable, so it cannot replace one either. What a pull request has built is taken over, and the first environment's
# image is copied to the others, so it reads images too. A job that names a GitHub environment has another subject and
# does not get this role.
resource "aws_iam_role" "push" {
  name                 = "${var.name}-ci-push"
  description          = "GitHub Actions: pushing images from ${var.branch} of ${var.github.repository}."
  assume_role_policy   = local.trust["push"]
  max_session_duration = local.session_seconds

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "push" {
  name = "push"
  role = aws_iam_role.push.id

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
        Resource = concat(var.repository_arns, [var.build_repositories.cache_arn])
      },
      {
        Sid      = "PullImages"
        Effect   = "Allow"
        Action   = local.pull_actions
        Resource = concat(var.repository_arns, var.build_repositories.image_arns, [var.build_repositories.cache_arn])
      },
    ]
  })
}

locals {
  # BatchGetImage is how a client asks whether a manifest is there already.
  # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
  push_actions = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
  ]
  pull_actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
}
