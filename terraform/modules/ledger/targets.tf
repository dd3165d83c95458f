# The targets, written under the keys by which functions look for them: an image event names a repository, so the
# repository leads to its followers. Only Terraform writes these items; functions only read them.
resource "aws_dynamodb_table_item" "target" {
  for_each = { for target in var.targets : target.service => target }

  table_name = aws_dynamodb_table.this.name
  hash_key   = aws_dynamodb_table.this.hash_key
  range_key  = aws_dynamodb_table.this.range_key

  item = jsonencode(merge(
    {
      pk = { S = "targets" }
      sk = { S = "${each.value.repository}#${each.value.service}" }

      # A target is called as its service is, which is unique in the account, as the families made from it must be:
      # requests travel on a bus that all installations share.
      name              = { S = each.value.service }
      environment       = { S = each.value.environment }
      repository        = { S = each.value.repository }
      cluster           = { S = each.value.cluster }
      service           = { S = each.value.service }
      container         = { S = each.value.container }
      template          = { S = each.value.template }
      family            = { S = each.value.family }
      github_repository = { S = each.value.github_repository }
      deadline_seconds  = { N = tostring(each.value.deadline_seconds) }
      first_count       = { N = tostring(each.value.first_count) }

      tag_policy = { M = {
        kind    = { S = each.value.tag_policy.kind }
        pattern = { S = each.value.tag_policy.pattern }
      } }
    },
    each.value.max_severity == null ? {} : { max_severity = { S = each.value.max_severity } },
    each.value.environment_url == "" ? {} : { environment_url = { S = each.value.environment_url } },
  ))
}
