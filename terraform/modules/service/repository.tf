# The images that the service follows.
resource "aws_ecr_repository" "this" {
  # checkov:skip=CKV_AWS_136:ECR encrypts at rest by itself; a key of our own costs $1 a month and keeps out nobody whom IAM lets in.
  name = var.name

  # A tag means one image for ever: what was tested is what runs, and a re-run of a build cannot replace it.
  # Default: MUTABLE.
  image_tag_mutability = "IMMUTABLE"

  # An unprotected repository goes with its images. Default: destroying a repository with images in it fails.
  force_delete = !var.deletion_protection

  # Known vulnerabilities are looked up with every push. Default: false.
  image_scanning_configuration {
    scan_on_push = true
  }
}

# What may be forgotten: leftovers without a tag, and nothing else. Any tagged image may be the one that runs, or the
# one that a rollback needs, and ECR does not know which; the oldest may be both, in a service that is seldom changed.
# Keeping them costs $0.10 a month for each GB, and layers that images share are kept once. Who wants less deletes by
# hand what the ledger no longer names.
resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Untagged leftovers go after two weeks. ECR keeps the parts of a multi-architecture image as long as its index exists."
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}
