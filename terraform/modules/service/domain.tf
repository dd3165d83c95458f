locals {
  # A domain whose zone is known here is made here: its certificate, the proof that it is ours, and its address.
  zones = try(var.domain.zone_id, null) == null ? {} : { (var.domain.name) = var.domain.zone_id }

  # The certificate to serve each name with: the one that was made, once it is issued, or the one that was given.
  certificates = var.domain == null ? {} : {
    (var.domain.name) = length(local.zones) == 0 ? var.domain.certificate_arn : one(values(aws_acm_certificate_validation.this)).certificate_arn
  }

  url = var.domain == null ? "http://${aws_lb.this.dns_name}" : "https://${var.domain.name}"
}

# ACM renews it by itself for as long as the record below stands.
resource "aws_acm_certificate" "this" {
  for_each = local.zones

  domain_name       = each.key
  validation_method = "DNS"

  # The certificate of another name must be in place before the one in use can go. Default: the other way round.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  for_each = local.zones

  zone_id = each.value
  name    = one(aws_acm_certificate.this[each.key].domain_validation_options).resource_record_name
  type    = one(aws_acm_certificate.this[each.key].domain_validation_options).resource_record_type
  records = [one(aws_acm_certificate.this[each.key].domain_validation_options).resource_record_value]
  ttl     = 300

  # The proof of a name is one and the same for all of an account's certificates, so it may be there. Default: false.
  allow_overwrite = true
}

# Waits until the certificate is issued, some minutes; a listener takes no other.
resource "aws_acm_certificate_validation" "this" {
  for_each = aws_acm_certificate.this

  certificate_arn         = each.value.arn
  validation_record_fqdns = [aws_route53_record.validation[each.key].fqdn]
}

resource "aws_route53_record" "address" {
  for_each = local.zones

  zone_id = each.value
  name    = each.key
  type    = "A"

  alias {
    name    = aws_lb.this.dns_name
    zone_id = aws_lb.this.zone_id

    # There is no other address to answer with, so an unhealthy one is better than none.
    evaluate_target_health = false
  }
}
