# The way out of the private subnets. A gateway costs about $33 a month and $0.045 for each GB that passes through it.
#
# none:     no gateway. Tasks reach what endpoints.tf lists, and nothing else.
# single:   one for all, in the first zone. Traffic of the others crosses zones ($0.01 for each GB). Should the first
#           zone fail, tasks that already run elsewhere go on serving, and new ones find no image.
# per_zone: one in each zone, and no zone depends on another.
locals {
  first_zone = one([for zone, index in local.zones : zone if index == 0])

  # Each zone, and the zone whose gateway it leaves through.
  way_out = var.nat == "none" ? {} : { for zone in keys(local.zones) : zone => var.nat == "single" ? local.first_zone : zone }
}

resource "aws_eip" "nat" {
  # checkov:skip=CKV2_AWS_19:The address belongs to a NAT gateway; the check knows addresses of instances only.
  for_each = toset(values(local.way_out))

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = toset(values(local.way_out))

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.name}-${each.key}" }

  # A gateway without an internet gateway behind it fails to come up.
  depends_on = [aws_internet_gateway.this]
}

resource "aws_route" "nat" {
  for_each = local.way_out

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.value].id
}
