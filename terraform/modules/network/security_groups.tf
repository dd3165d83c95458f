# The balancer is the only thing that the internet can reach.
resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "The balancer: HTTP and HTTPS from anywhere, on to tasks."
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-balancer" }
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  for_each = { http = 80, https = 443 }

  security_group_id = aws_security_group.balancer.id
  description       = "${upper(each.key)} from anywhere"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_vpc_security_group_egress_rule" "balancer_to_tasks" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "Requests and health checks to tasks"
  referenced_security_group_id = aws_security_group.tasks.id
  ip_protocol                  = "tcp"
  from_port                    = var.task_port
  to_port                      = var.task_port
}

# Tasks hear the balancer and nobody else, with or without a public address.
resource "aws_security_group" "tasks" {
  name        = "${var.name}-tasks"
  description = "Tasks: requests from the balancer, HTTPS to AWS."
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-tasks" }
}

resource "aws_vpc_security_group_ingress_rule" "tasks_from_balancer" {
  security_group_id            = aws_security_group.tasks.id
  description                  = "Requests and health checks from the balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.task_port
  to_port                      = var.task_port
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
