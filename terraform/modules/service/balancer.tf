resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_28:A web application firewall is the owner's choice: it costs $5 a month and more, and its rules depend on who visits.
  # checkov:skip=CKV2_AWS_20:HTTP leads to HTTPS as soon as a domain is given; without one there is no name to have a certificate for.
  # checkov:skip=CKV2_AWS_76:A rule of that same firewall, against a flaw of a Java library.
  name            = var.name
  subnets         = var.network.public_subnet_ids
  security_groups = [aws_security_group.balancer.id]

  # People bookmark its address. Default: false.
  enable_deletion_protection = var.deletion_protection

  # Headers that no browser sends are how requests are smuggled. Default: false.
  drop_invalid_header_fields = true

  # Who asked for what, and what they got. Default: not kept.
  access_logs {
    bucket  = aws_s3_bucket.access_logs.bucket
    enabled = true
  }

  # As logging is switched on, the balancer writes a test file, and fails if it may not.
  depends_on = [aws_s3_bucket_policy.access_logs]
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378:TLS ends at the balancer. From there a request travels inside the VPC to a task that admits the balancer alone.
  name     = var.name
  vpc_id   = var.network.vpc_id
  protocol = "HTTP"

  # ECS registers every task with the port of its container, so this one is never used. It is fixed because a change
  # would need a new target group, and this one cannot go while the listener leads to it.
  port = 80

  # Fargate tasks have addresses, not instances. Default: instance.
  target_type = "ip"

  # A rollout is as slow as these two numbers make it. Requests take milliseconds, so five seconds see the last one
  # out. Default: 300.
  deregistration_delay = 5

  # A task serves ten seconds after it is up, and is given up after fifteen. Defaults: 30 s, five and two times.
  health_check {
    path                = var.container.health_path
    matcher             = "200"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

# Plain HTTP serves where there is no domain, and leads to HTTPS where there is one. In the apply that brings or takes
# the domain the provider warns of an argument of the other kind, left over in its state; AWS is sent the right one.
resource "aws_lb_listener" "http" {
  # checkov:skip=CKV_AWS_2:With a domain it only redirects; without one there is no name to have a certificate for.
  # checkov:skip=CKV_AWS_103:A listener of plain HTTP has no TLS policy.
  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type             = var.domain == null ? "forward" : "redirect"
    target_group_arn = var.domain == null ? aws_lb_target_group.this.arn : null

    dynamic "redirect" {
      for_each = local.certificates

      content {
        protocol    = "HTTPS"
        port        = "443"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  for_each = local.certificates

  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = each.value

  # TLS 1.2 and 1.3 with forward secrecy, and key exchange that a later quantum computer does not undo: what AWS
  # recommends. Default: a policy of 2016 that still speaks TLS 1.0.
  # https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
