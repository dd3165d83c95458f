# The balancer is the only thing that the outside can reach.
resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "The balancer: HTTP and HTTPS from whoever may, on to tasks."
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.name}-balancer" }
}

locals {
  # The port of HTTPS is open only where something listens on it.
  ports = var.domain == null ? { http = 80 } : { http = 80, https = 443 }

  entrances = merge([
    for name, port in local.ports : { for cidr in var.allowed_cidrs : "${name} ${cidr}" => { port = port, cidr = cidr } }
  ]...)
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  # checkov:skip=CKV_AWS_260:A website that anyone may open listens on port 80; with a domain it answers there with a redirect and nothing else.
  for_each = local.entrances

  security_group_id = aws_security_group.balancer.id
  description       = "Port ${each.value.port} from ${each.value.cidr}"
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "balancer_to_tasks" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "Requests and health checks to tasks"
  referenced_security_group_id = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = var.container.port
  to_port                      = var.container.port
}

# Tasks hear the balancer and nobody else, with or without a public address.
resource "aws_security_group" "tasks" {
  name        = "${var.name}-tasks"
  description = "Tasks: requests from the balancer, HTTPS to AWS."
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.name}-tasks" }
}

resource "aws_vpc_security_group_ingress_rule" "tasks_from_balancer" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "Requests and health checks from the balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.container.port
  to_port                      = var.container.port
}

# ECR, S3, CloudWatch and DynamoDB have no fixed addresses. Security groups do not filter the VPC's own resolver, so
# DNS needs no rule.
resource "aws_vpc_security_group_egress_rule" "tasks_to_aws" {
  security_group_id = aws_security_group.tasks.id
  description       = "HTTPS to the APIs of AWS"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
