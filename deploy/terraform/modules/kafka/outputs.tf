output "arn" {
  description = "The cluster."
  value       = aws_msk_cluster.this.arn
}

output "bootstrap_servers" {
  description = "Addresses of the brokers, by the way to log in; tls is mutual TLS."
  value = {
    iam   = aws_msk_cluster.this.bootstrap_brokers_sasl_iam
    scram = aws_msk_cluster.this.bootstrap_brokers_sasl_scram
    tls   = aws_msk_cluster.this.bootstrap_brokers_tls
  }
}

output "scram_secret_names" {
  description = "Secrets of the users with a password, by user."
  value       = { for user, secret in aws_secretsmanager_secret.scram : user => secret.name }
}

output "scram_secret_arns" {
  description = "The same as ARNs."
  value       = [for secret in aws_secretsmanager_secret.scram : secret.arn]
}

output "scram_key_arn" {
  description = "What the secrets are encrypted with."
  value       = aws_kms_key.secrets.arn
}
