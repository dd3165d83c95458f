# What pull requests build, beside the environments' own repositories: nothing here is followed by a target, so nothing
# here is ever rolled out. What is merged is copied from here, so that it is built once.
resource "aws_ecr_repository" "built" {
  # checkov:skip=CKV_AWS_136:ECR encrypts at rest by itself; a key of our own costs $1 a month and keeps out nobody whom IAM lets in.
  for_each = toset(var.services)

  name = "${var.name}-ci-${each.key}"

  # A tag is a pull request and a commit, and means one image for ever. Default: MUTABLE.
  image_tag_mutability = "IMMUTABLE"

  # Nothing in it is needed by what runs. Default: destroying a repository with images in it fails.
  force_delete = true

  # Default: false.
  image_scanning_configuration {
    scan_on_push = true
  }
}

# A pull request that is open for longer than this builds again when it is merged.
resource "aws_ecr_lifecycle_policy" "built" {
  for_each = aws_ecr_repository.built

  repository = each.value.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "What pull requests have built goes after a month."
      selection    = { tagStatus = "any", countType = "sinceImagePushed", countUnit = "days", countNumber = 30 }
      action       = { type = "expire" }
    }]
  })
}

# Layers that builds begin with: a tag for each service, written again by each build of the main branch, and by nobody
# else.
resource "aws_ecr_repository" "cache" {
  # checkov:skip=CKV_AWS_51:A cache is one tag that is written again and again.
  # checkov:skip=CKV_AWS_136:ECR encrypts at rest by itself; a key of our own costs $1 a month and keeps out nobody whom IAM lets in.
  # checkov:skip=CKV_AWS_163:Nothing here is ever run; what is built from it is scanned where it is pushed.
  name         = "${var.name}-ci-cache"
  force_delete = true
}

resource "aws_ecr_lifecycle_policy" "cache" {
  repository = aws_ecr_repository.cache.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "What no tag names any more goes the next day."
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 1 }
      action       = { type = "expire" }
    }]
  })
}
