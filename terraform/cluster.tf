# The cluster costs nothing by itself; it is the fence within which a service's name is unique.
resource "aws_ecs_cluster" "this" {
  name = local.prefix

  # Task-level metrics, for the hour in which a rollout went wrong. Default: disabled.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

# Both kinds of Fargate; each service says how much of which it takes.
resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}
