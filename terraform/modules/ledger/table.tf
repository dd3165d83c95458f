# One table, read by key and written by condition; the ledger crate says what lies under which key.
#
# Nothing in it expires (`ttl` is left out, which is the default): the history of deployments is what it is for, and a
# rollout is about a kilobyte.
resource "aws_dynamodb_table" "this" {
  # checkov:skip=CKV_AWS_119:A key of our own costs a dollar a month, and its policy would let in the very roles that may read the table.

  name = var.name

  # A rollout is a dozen writes: paying for each is cheaper than any capacity reserved.
  billing_mode = "PAY_PER_REQUEST"

  hash_key  = "pk"
  range_key = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  # `report` tells GitHub what changed, so it needs an item as it was and as it is.
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  # A key of this account, whose uses CloudTrail shows. Default: a key that AWS owns and nobody sees.
  server_side_encryption {
    enabled = true
  }

  # The history exists only here: any second of the last 35 days can be restored. Default: off.
  point_in_time_recovery {
    enabled = true
  }

  # Default: false.
  deletion_protection_enabled = var.deletion_protection
}
