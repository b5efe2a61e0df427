output "arn" {
  description = "The authority, once it can issue certificates."
  value       = aws_acmpca_certificate_authority_certificate.root.certificate_authority_arn
}

output "certificate" {
  description = "Its own certificate, in PEM."
  value       = aws_acmpca_certificate.root.certificate
}
