resource "aws_lb" "this" {
  name            = var.name
  subnets         = var.network.public_subnet_ids
  security_groups = [var.network.balancer_security_group_id]

  # People bookmark its address. Default: false.
  enable_deletion_protection = var.deletion_protection

  # Headers that no browser sends are how requests are smuggled. Default: false.
  drop_invalid_header_fields = true
}

resource "aws_lb_target_group" "this" {
  name     = var.name
  vpc_id   = var.network.vpc_id
  port     = var.port
  protocol = "HTTP"

  # Fargate tasks have addresses, not instances. Default: instance.
  target_type = "ip"

  # A rollout is as slow as these two numbers make it. Requests take milliseconds, so five seconds see the last one
  # out. Default: 300.
  deregistration_delay = 5

  # A task serves ten seconds after it is up, and is given up after fifteen. Defaults: 30 s, five and two times.
  health_check {
    path                = var.health_path
    matcher             = "200"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

# Plain HTTP serves where there is no certificate, and leads to HTTPS where there is one.
resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type             = var.certificate_arn == "" ? "forward" : "redirect"
    target_group_arn = var.certificate_arn == "" ? aws_lb_target_group.this.arn : null

    dynamic "redirect" {
      for_each = var.certificate_arn == "" ? [] : ["https"]

      content {
        protocol    = "HTTPS"
        port        = "443"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  for_each = var.certificate_arn == "" ? {} : { certificate = var.certificate_arn }

  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = each.value

  # TLS 1.2 and 1.3 with forward secrecy. Default: a policy of 2016.
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
