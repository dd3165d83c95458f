# Pushes images from the main branch and can do nothing else: what happens with an image is not for CI to say. Tags are
# immutable, so it cannot replace one either. A job that names a GitHub environment has another subject and does not get
# this role.
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
        # BatchGetImage is how a client asks whether a manifest is there already; layers cannot be fetched.
        # https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
        Sid    = "PushImages"
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability",
          "ecr:BatchGetImage",
          "ecr:CompleteLayerUpload",
          "ecr:InitiateLayerUpload",
          "ecr:PutImage",
          "ecr:UploadLayerPart",
        ]
        Resource = var.repository_arns
      },
    ]
  })
}
