# The way out of the private subnets: one gateway, in the first zone, for all of them. Tasks that already run survive
# the loss of that zone; new ones would find no image.
locals {
  nat_zones = { for zone, index in local.zones : zone => index if var.nat == "single" && index == 0 }
}

resource "aws_eip" "nat" {
  for_each = local.nat_zones

  domain = "vpc"

  tags = { Name = "${var.name}-nat" }
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = local.tags

  # A gateway without an internet gateway behind it fails to come up.
  depends_on = [aws_internet_gateway.this]
}

resource "aws_route" "nat" {
  for_each = aws_nat_gateway.this

  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = each.value.id
}
