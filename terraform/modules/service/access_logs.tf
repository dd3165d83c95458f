# The balancer's access logs: a file for each of its nodes and five minutes, and costs by the GB that stands there.
resource "aws_s3_bucket" "access_logs" {
  # checkov:skip=CKV_AWS_18:This is where logs go; logging who reads them would need a bucket that logs into nothing.
  # checkov:skip=CKV_AWS_21:Each file is written once under a name of its own, so versions would keep nothing.
  # checkov:skip=CKV_AWS_144:Logs of a balancer are of no use where the balancer is not.
  # checkov:skip=CKV_AWS_145:A balancer writes to buckets encrypted with keys of S3 and to no others.
  # checkov:skip=CKV2_AWS_62:Nothing here wants to know of each log file.

  # The name must be nobody else's in the world; AWS completes it. 32 characters of a name and these five are all that
  # a prefix may have.
  bucket_prefix = "${var.name}-log-"

  # Unprotected logs go with the bucket. Default: destroying a bucket with objects in it fails.
  force_destroy = !var.deletion_protection
}

resource "aws_s3_bucket_public_access_block" "access_logs" {
  bucket = aws_s3_bucket.access_logs.id

  # Requests name addresses of people. Nobody may make them public, not even by mistake. Default: false, four times.
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Keys of S3, which are the default: said here because no other will do.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
resource "aws_s3_bucket_server_side_encryption_configuration" "access_logs" {
  bucket = aws_s3_bucket.access_logs.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs" {
  bucket = aws_s3_bucket.access_logs.id

  rule {
    id     = "forget"
    status = "Enabled"

    filter {}

    expiration {
      days = var.log_retention_days
    }

    # Half a file is no log.
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

# The balancers of this account may write: whose balancer it is stands in the path, and ELB writes it, not the owner.
# Whoever reads, reads with TLS.
resource "aws_s3_bucket_policy" "access_logs" {
  bucket = aws_s3_bucket.access_logs.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "WriteLogs"
        Effect    = "Allow"
        Principal = { Service = "logdelivery.elasticloadbalancing.amazonaws.com" }
        Action    = "s3:PutObject"
        Resource  = "${aws_s3_bucket.access_logs.arn}/AWSLogs/${local.account}/*"
      },
      {
        Sid       = "RefusePlainHttp"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.access_logs.arn, "${aws_s3_bucket.access_logs.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  # S3 refuses two changes of who may do what with a bucket at the same time.
  depends_on = [aws_s3_bucket_public_access_block.access_logs]
}
