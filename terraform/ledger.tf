# The one shared state, and in it the targets: whatever follows an image is named here and nowhere in the code.
# A second service is a second `module "…" { source = "./modules/service" }`, one more element here and one more in
# pipeline.tf.
module "ledger" {
  source = "./modules/ledger"

  name                = "${local.prefix}-ledger"
  deletion_protection = var.deletion_protection

  targets = [merge(module.board.target, {
    environment       = var.environment
    tag_policy        = var.tag_policy
    github_repository = var.github.repository
    deadline_seconds  = var.rollouts.deadline_seconds
    max_severity      = var.rollouts.max_severity
    first_count       = var.tasks.minimum
    environment_url   = local.board_url
  })]
}
