output "name" {
  description = "Function name."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "Function ARN."
  value       = aws_lambda_function.this.arn
}

output "code_hash" {
  description = "Base64 SHA-256 of the deployment package: it changes when the code does."
  value       = aws_lambda_function.this.source_code_hash
}
