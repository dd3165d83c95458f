output "table" {
  description = "The table: its name, its ARN and the ARN of its stream."
  value = {
    name       = aws_dynamodb_table.this.name
    arn        = aws_dynamodb_table.this.arn
    stream_arn = aws_dynamodb_table.this.stream_arn
  }
}
