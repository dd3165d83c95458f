data "aws_region" "current" {}

# The region's zones, those in trouble included: to ask for available ones only would plan another network on the day
# that a zone fails.
data "aws_availability_zones" "region" {
  # checkov:skip=CKV_AWS_394:The first few are taken by name, and a new zone is named after the others, so it is not among them.

  # Local zones have no Fargate, and must be asked for one by one.
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }

  lifecycle {
    postcondition {
      condition     = length(self.names) >= var.zones
      error_message = "This region has fewer zones than the network is to span."
    }
  }
}

locals {
  # Each zone with its number, which is its place in the address plan. More zones add subnets and move none.
  zones = { for index, zone in slice(sort(data.aws_availability_zones.region.names), 0, var.zones) : zone => index }

  tags = { Name = var.name }
}

resource "aws_vpc" "this" {
  cidr_block = var.cidr

  # Endpoints answer under the usual names of AWS, and that needs names in the network. Default: false.
  # https://docs.aws.amazon.com/vpc/latest/privatelink/manage-dns-names.html
  enable_dns_hostnames = true

  tags = local.tags
}

# Every network comes with a security group in which everything may talk to everything, and whatever names no group
# of its own lands in it. Here it has no rule, so that landing in it is noticed.
resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = local.tags
}

# The subnets of balancers and NAT gateways. Nothing gets a public address for merely being here: those two have
# their own.
resource "aws_subnet" "public" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 4, each.value)

  tags = { Name = "${var.name}-public-${each.key}" }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-public" }
}

resource "aws_route" "internet" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  route_table_id = aws_route_table.public.id
  subnet_id      = each.value.id
}

# The subnets of tasks, with no way in. Each zone has a route table of its own whatever the choice of NAT, so that
# another choice moves routes and neither subnets nor the tasks in them.
resource "aws_subnet" "private" {
  for_each = local.zones

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 4, each.value + 8)

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_route_table" "private" {
  for_each = local.zones

  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name}-private-${each.key}" }
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  route_table_id = aws_route_table.private[each.key].id
  subnet_id      = each.value.id
}
