output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Where balancers stand."
  value       = [for zone in sort(keys(local.zones)) : aws_subnet.public[zone].id]

  # A balancer that faces the internet is refused before there is a way to it.
  depends_on = [aws_route.internet]
}

output "task_subnet_ids" {
  description = "Where tasks run."
  value       = [for zone in sort(keys(local.zones)) : var.nat == "none" ? aws_subnet.public[zone].id : aws_subnet.private[zone].id]

  # A task started before there is a way out cannot pull its image.
  depends_on = [aws_route.internet, aws_route.nat, aws_route_table_association.public, aws_route_table_association.private]
}

output "task_public_ip" {
  description = "Whether tasks need a public address to reach AWS."
  value       = var.nat == "none"
}

output "balancer_security_group_id" {
  description = "The security group of balancers."
  value       = aws_security_group.balancer.id
}

output "task_security_group_id" {
  description = "The security group of tasks."
  value       = aws_security_group.tasks.id
}
