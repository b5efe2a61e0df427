output "name" {
  description = "The registry's name."
  value       = aws_glue_registry.this.registry_name
}

output "arn" {
  description = "The registry."
  value       = aws_glue_registry.this.arn
}
