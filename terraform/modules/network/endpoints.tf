# The short way to S3, where the layers of images lie, and to DynamoDB, where the ledger is. They are free, and what
# goes through them goes through no NAT gateway.
# https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
resource "aws_vpc_endpoint" "gateway" {
  for_each = toset(["s3", "dynamodb"])

  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.current.id}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [for table in aws_route_table.private : table.id]

  tags = { Name = "${var.name}-${each.key}" }
}

# Without NAT, these stand for all the rest of AWS: what a task needs to start (ECR's two APIs and CloudWatch Logs),
# and the bus that people's requests travel by. Each costs about $7.30 a month in each zone, so four in two zones are
# about $58: more than one NAT gateway. The choice of none is for closed networks, not for saving.
# https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
resource "aws_vpc_endpoint" "interface" {
  for_each = var.nat == "none" ? toset(["ecr.api", "ecr.dkr", "logs", "events"]) : toset([])

  vpc_id             = aws_vpc.this.id
  service_name       = "com.amazonaws.${data.aws_region.current.id}.${each.key}"
  vpc_endpoint_type  = "Interface"
  subnet_ids         = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids = [for group in aws_security_group.endpoints : group.id]

  # Programs call AWS by its usual names and need not know of the endpoint. Default: false.
  private_dns_enabled = true

  tags = { Name = "${var.name}-${each.key}" }
}

# Endpoints hear the network and nobody else, and begin no conversation themselves.
resource "aws_security_group" "endpoints" {
  for_each = var.nat == "none" ? toset(["https"]) : toset([])

  name        = "${var.name}-endpoints"
  description = "Endpoints of AWS: HTTPS from the network."
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  for_each = aws_security_group.endpoints

  security_group_id = each.value.id
  description       = "HTTPS from the network"
  cidr_ipv4         = var.cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
