output "network" {
  description = "Where services stand: balancers in the public subnets, tasks in the private ones."
  value = {
    vpc_id            = aws_vpc.this.id
    public_subnet_ids = [for zone in sort(keys(local.zones)) : aws_subnet.public[zone].id]
    task_subnet_ids   = [for zone in sort(keys(local.zones)) : aws_subnet.private[zone].id]

    # A private subnet has no use for public addresses.
    task_public_ip = false
  }

  # A balancer that faces the internet is refused before there is a way to it, and a task that is started before
  # there is a way out cannot pull its image.
  depends_on = [
    aws_route.internet,
    aws_route.nat,
    aws_route_table_association.public,
    aws_route_table_association.private,
    aws_vpc_endpoint.gateway,
    aws_vpc_endpoint.interface,
    aws_vpc_security_group_ingress_rule.endpoints,
  ]
}
