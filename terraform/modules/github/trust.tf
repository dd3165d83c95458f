# GitHub vouches for each job by a signed token, so no key of AWS lies in GitHub. This is how AWS knows GitHub; an
# account has one for all its repositories, and what a repository may do is decided by the roles below. AWS knows
# GitHub's certificates by itself, so no thumbprint is given.
resource "aws_iam_openid_connect_provider" "github" {
  for_each = var.provider_arn == null ? toset(["github"]) : toset([])

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = coalesce(var.provider_arn, "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}")

  # Who may take which role, as GitHub words it. A pull request of a fork gets no token at all; a job with an
  # environment is known by the environment and by nothing else, so its branch is asked for beside it.
  # https://docs.github.com/en/actions/reference/security/oidc
  jobs = merge(
    {
      # What was merged is planned once more, and drift is looked for, on the branch itself.
      plan              = { subjects = ["pull_request", local.on_branch], also = {} }
      push              = { subjects = [local.on_branch], also = {} }
      pull-request-push = { subjects = ["pull_request"], also = {} }
      request = {
        subjects = [for environment in sort(keys(var.environments)) : "environment:requests-${environment}"]
        also     = { "${local.issuer}:ref" = "refs/heads/${var.branch}" }
      }
    },
    { for environment, github in var.environments : "apply-${environment}" => {
      subjects = ["environment:${github}"]
      also     = { "${local.issuer}:ref" = "refs/heads/${var.branch}" }
    } },
  )

  on_branch  = "ref:refs/heads/${var.branch}"
  owner      = split("/", var.github.repository)[0]
  repository = split("/", var.github.repository)[1]

  # Subjects come in two forms: repositories made, renamed or moved since 15 July 2026 have the numbers in theirs.
  # Both are written out, and every condition is an equality: a pattern in a subject is how strangers get in. The
  # numbers are asked for once more by themselves, because the old form names nobody for ever.
  trust = { for name, job in local.jobs : name => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = local.provider_arn }
      Condition = {
        StringEquals = merge(
          {
            "${local.issuer}:aud"                 = "sts.amazonaws.com"
            "${local.issuer}:repository_id"       = var.github.repository_id
            "${local.issuer}:repository_owner_id" = var.github.owner_id
            "${local.issuer}:sub" = flatten([for subject in job.subjects : [
              "repo:${local.owner}/${local.repository}:${subject}",
              "repo:${local.owner}@${var.github.owner_id}/${local.repository}@${var.github.repository_id}:${subject}",
            ]])
          },
          job.also,
        )
      }
    }]
  }) }
}
