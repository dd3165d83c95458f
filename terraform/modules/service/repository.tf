# The images that the service follows.
resource "aws_ecr_repository" "this" {
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

# What may be forgotten. Releases of the recent past stay, since they are what a rollback goes back to.
resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Untagged leftovers go after two weeks. ECR keeps the parts of a multi-architecture image as long as its index exists."
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "The newest 200 tagged images stay."
        selection    = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = 200 }
        action       = { type = "expire" }
      },
    ]
  })
}
