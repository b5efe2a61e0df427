output "job_variables" {
  description = "Variables of the jobs in examples/."
  value       = local.job_variables
}

output "authority_certificate" {
  description = "Whom to believe that a process is of this cluster, in PEM: --ca of weir's commands."
  value       = module.authority.certificate
}

output "manager_instance_id" {
  description = "The manager's host: aws ssm start-session --target …"
  value       = module.hosts.manager_instance_id
}

output "worker_group_name" {
  description = "Autoscaling group of the workers' hosts."
  value       = module.hosts.worker_group_name
}

output "settings" {
  description = "The hosts' /etc/weir/weir.yaml."
  value       = local.settings
}

output "scram_secret_names" {
  description = "Secrets with the users' passwords, by user."
  value       = module.kafka.scram_secret_names
}

output "dashboards_url" {
  description = "OpenSearch Dashboards, inside the VPC."
  value       = "${module.search.url}/_dashboards"
}

output "role_arns" {
  description = "Roles of the hosts, by process."
  value       = { manager = aws_iam_role.manager.arn, worker = aws_iam_role.worker.arn }
}

output "vpc_id" {
  description = "The VPC that is made, for peering and for a Prometheus of your own."
  value       = module.network.vpc_id
}
