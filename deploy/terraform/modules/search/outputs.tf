output "url" {
  description = "Where the domain is reached inside the VPC."
  value       = "https://${aws_opensearch_domain.this.endpoint}"
}
