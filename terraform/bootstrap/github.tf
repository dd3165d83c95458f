data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

# What workflows may do. It stands here and not beside what they make, so that no workflow changes its own rights: that
# takes a person.
module "github" {
  source = "../modules/github"

  name         = var.name
  github       = var.github
  environments = var.environments
  provider_arn = var.provider_arn
  state_bucket = aws_s3_bucket.state.bucket

  repository_arns = local.repository_arns

  build_repositories = {
    image_arns = values(aws_ecr_repository.built)[*].arn
    cache_arn  = aws_ecr_repository.cache.arn
  }
}

locals {
  account = data.aws_caller_identity.current.account_id

  # By name, since the repositories come later, with the environments.
  repository_arns = [
    for pair in setproduct(sort(keys(var.environments)), sort(var.services)) :
    "arn:${data.aws_partition.current.partition}:ecr:${var.region}:${local.account}:repository/${var.name}-${join("-", pair)}"
  ]
}
