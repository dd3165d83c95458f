output "table" {
  description = "The table: its name, its ARN and the ARN of its stream."
  value = {
    name       = aws_dynamodb_table.this.name
    arn        = aws_dynamodb_table.this.arn
    stream_arn = aws_dynamodb_table.this.stream_arn
  }
}

output "targets" {
  description = "The names of the targets that are written. Whoever takes a name from here finds its item in place."
  value       = keys(aws_dynamodb_table_item.target)
}
