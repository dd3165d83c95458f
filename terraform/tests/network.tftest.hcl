# What must stay true of the network: who can be reached from where, and by which way tasks reach AWS. No account is
# needed: what is made here is made by a provider that is not there.

mock_provider "aws" {
  source = "./tests/mocks"

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/vpc/fence" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/fence-flow-logs" }
  }
}

variables {
  name               = "fence"
  cidr               = "10.71.0.0/16"
  nat                = "single"
  log_retention_days = 30
}

run "network" {
  module {
    source = "./modules/network"
  }

  # Who can be reached.

  assert {
    condition     = length(aws_default_security_group.this.ingress) == 0 && length(aws_default_security_group.this.egress) == 0
    error_message = "The default security group must let nothing in and nothing out."
  }

  assert {
    condition = alltrue([
      for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) :
      subnet.map_public_ip_on_launch != true && subnet.assign_ipv6_address_on_creation != true
    ])
    error_message = "Nothing may get a public address for merely being in a subnet."
  }

  assert {
    condition     = output.network.task_public_ip == false && toset(output.network.task_subnet_ids) == toset([for subnet in aws_subnet.private : subnet.id])
    error_message = "Tasks belong into private subnets, without a public address."
  }

  assert {
    condition = (
      toset([for association in aws_route_table_association.public : association.subnet_id]) == toset(output.network.public_subnet_ids) &&
      toset([for association in aws_route_table_association.private : association.subnet_id]) == toset(output.network.task_subnet_ids) &&
      aws_route.internet.route_table_id == aws_route_table.public.id &&
      !contains([for table in aws_route_table.private : table.id], aws_route.internet.route_table_id)
    )
    error_message = "Only the public subnets may be routed to the internet gateway."
  }

  # Two zones unless more are asked for, one subnet of each kind in each.

  assert {
    condition = (
      { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == { eu-west-1a = "10.71.0.0/20", eu-west-1b = "10.71.16.0/20" } &&
      { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { eu-west-1a = "10.71.128.0/20", eu-west-1b = "10.71.144.0/20" }
    )
    error_message = "The plan of addresses must not move: subnets cannot be changed under what stands in them."
  }

  # Everything is written down, for as long as was said, by a role that can do nothing else.

  assert {
    condition     = aws_flow_log.this.vpc_id == aws_vpc.this.id && aws_flow_log.this.traffic_type == "ALL" && aws_flow_log.this.log_destination == aws_cloudwatch_log_group.flow_logs.arn
    error_message = "All of the network's traffic, what was refused included, must be logged."
  }

  assert {
    condition     = aws_cloudwatch_log_group.flow_logs.retention_in_days == 30
    error_message = "Flow logs must be forgotten when it was said."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.flow_logs.policy).Statement == [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = "arn:aws:logs:eu-west-1:123456789012:log-group:/vpc/fence:*"
    }]
    error_message = "The role of flow logs may write to their own log group, and nothing else."
  }

  assert {
    condition = jsondecode(aws_iam_role.flow_logs.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnLike      = { "aws:SourceArn" = "arn:aws:ec2:eu-west-1:123456789012:vpc-flow-log/*" }
      }
    }]
    error_message = "Only flow logs of this account and region may assume their role."
  }

  # One gateway, in the first zone, is the way out of every private subnet.

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-west-1a"] && aws_nat_gateway.this["eu-west-1a"].subnet_id == aws_subnet.public["eu-west-1a"].id
    error_message = "The choice of single is one gateway, in the public subnet of the first zone."
  }

  assert {
    condition = { for zone, route in aws_route.nat : zone => route.nat_gateway_id } == {
      eu-west-1a = aws_nat_gateway.this["eu-west-1a"].id
      eu-west-1b = aws_nat_gateway.this["eu-west-1a"].id
    }
    error_message = "With one gateway, all zones leave through it."
  }

  assert {
    condition     = length(aws_vpc_endpoint.interface) == 0 && length(aws_security_group.endpoints) == 0
    error_message = "Endpoints that cost by the hour are for networks without NAT."
  }

  # S3 and DynamoDB are free and always near.

  assert {
    condition = (
      toset([for endpoint in aws_vpc_endpoint.gateway : endpoint.service_name]) == toset(["com.amazonaws.eu-west-1.s3", "com.amazonaws.eu-west-1.dynamodb"]) &&
      alltrue([for endpoint in aws_vpc_endpoint.gateway : endpoint.vpc_endpoint_type == "Gateway" && length(endpoint.route_table_ids) == 2])
    )
    error_message = "S3 and DynamoDB must be reached through gateway endpoints, from every private subnet."
  }
}

# Another choice of NAT, over the same network: routes move, subnets stay. Each run goes on from where the last one
# ended.
run "per_zone" {
  module {
    source = "./modules/network"
  }

  variables {
    nat = "per_zone"
  }

  assert {
    condition = { for zone, route in aws_route.nat : zone => route.nat_gateway_id } == {
      eu-west-1a = aws_nat_gateway.this["eu-west-1a"].id
      eu-west-1b = aws_nat_gateway.this["eu-west-1b"].id
    } && length(aws_nat_gateway.this) == 2 && length(aws_eip.nat) == 2
    error_message = "With a gateway in each zone, no zone depends on another."
  }

  assert {
    condition     = output.network == run.network.network
    error_message = "Another choice of NAT must move no subnet: tasks stand in them."
  }
}

run "none" {
  module {
    source = "./modules/network"
  }

  variables {
    nat = "none"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.nat) == 0
    error_message = "The choice of none must leave no way to the internet."
  }

  assert {
    condition = toset([for endpoint in aws_vpc_endpoint.interface : endpoint.service_name]) == toset([
      "com.amazonaws.eu-west-1.ecr.api", "com.amazonaws.eu-west-1.ecr.dkr",
      "com.amazonaws.eu-west-1.logs", "com.amazonaws.eu-west-1.events",
    ])
    error_message = "Without NAT a task needs ECR and CloudWatch Logs to start, and the bus to ask for rollouts."
  }

  assert {
    condition = alltrue([
      for endpoint in aws_vpc_endpoint.interface :
      endpoint.vpc_endpoint_type == "Interface" && endpoint.private_dns_enabled &&
      endpoint.subnet_ids == toset([for subnet in aws_subnet.private : subnet.id]) &&
      endpoint.security_group_ids == toset([aws_security_group.endpoints["https"].id])
    ])
    error_message = "Endpoints must stand in every private subnet, under the usual names, behind their own security group."
  }

  assert {
    condition     = aws_vpc.this.enable_dns_hostnames && aws_vpc.this.enable_dns_support != false
    error_message = "Endpoints answer under the usual names only in a network with names."
  }

  assert {
    condition = [for rule in aws_vpc_security_group_ingress_rule.endpoints : {
      from = rule.cidr_ipv4, protocol = rule.ip_protocol, ports = [rule.from_port, rule.to_port]
    }] == [{ from = "10.71.0.0/16", protocol = "tcp", ports = [443, 443] }]
    error_message = "Endpoints must hear HTTPS from the network, and nothing else."
  }

  assert {
    condition     = length(aws_vpc_endpoint.gateway) == 2
    error_message = "Without NAT, S3 (the layers of images) and DynamoDB (the ledger) are reached through gateway endpoints alone."
  }

  assert {
    condition     = output.network == run.network.network
    error_message = "Another choice of NAT must move no subnet: tasks stand in them."
  }
}

run "three_zones" {
  module {
    source = "./modules/network"
  }

  variables {
    zones = 3
    nat   = "per_zone"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_subnet.public) == 3 && length(aws_subnet.private) == 3
    error_message = "Each zone must have its subnets and its gateway."
  }

  assert {
    condition     = length(setintersection(output.network.task_subnet_ids, run.network.network.task_subnet_ids)) == 2
    error_message = "Another zone must move no subnet."
  }
}

# What is refused, with a sentence that says why.

run "refusals" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    name               = "Fence"
    cidr               = "10.71.0.0/24"
    zones              = 1
    nat                = "two"
    log_retention_days = 31
  }

  expect_failures = [var.name, var.cidr, var.zones, var.nat, var.log_retention_days]
}

run "a_region_with_too_few_zones" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    zones = 4
  }

  expect_failures = [data.aws_availability_zones.region]
}
