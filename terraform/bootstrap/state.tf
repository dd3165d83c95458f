# Where Terraform remembers what it made: one object an environment, one for this root. Nothing can be made without it
# and little is worse to lose, so every version is kept for a while and the bucket stays whatever is asked.
resource "aws_s3_bucket" "state" {
  # checkov:skip=CKV_AWS_18:CloudTrail can record who reads states; a bucket of access logs would need all this once more.
  # checkov:skip=CKV_AWS_144:The state is of one region's things and of no use where that region is gone.
  # checkov:skip=CKV_AWS_145:Terraform writes with S3's own key (`encrypt` in backend.tf); no secret is in a state, so a key of its own would guard nothing.
  # checkov:skip=CKV2_AWS_62:Nothing waits for a state to change.

  # A name that nobody else in the world has. `ci` is not an environment, so no environment's role reaches it.
  bucket = "${var.name}-ci-state-${local.account}"

  lifecycle {
    prevent_destroy = true
  }
}

# A state that was overwritten or deleted by mistake is still there.
resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.bucket

  versioning_configuration {
    status = "Enabled"
  }
}

# Each plan leaves a version of a lock behind, each apply one of the state. Three months are longer than any mistake
# stays unseen.
resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    id     = "old-versions"
    status = "Enabled"

    # All of the bucket.
    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 90
    }

    # What remains of a lock when its last version is gone.
    expiration {
      expired_object_delete_marker = true
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  # Old versions are a matter of buckets that keep versions.
  depends_on = [aws_s3_bucket_versioning.state]
}

# S3's own key. It is the default by now, and said here so that it stays when the default changes.
resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.bucket

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.bucket

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# Nobody reads it over a line that others can hear.
resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.bucket

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OnlyTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource = [
        "arn:${data.aws_partition.current.partition}:s3:::${aws_s3_bucket.state.bucket}",
        "arn:${data.aws_partition.current.partition}:s3:::${aws_s3_bucket.state.bucket}/*",
      ]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # S3 refuses two changes of a bucket's access at once.
  depends_on = [aws_s3_bucket_public_access_block.state]
}
