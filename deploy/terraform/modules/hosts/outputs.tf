output "manager_instance_id" {
  description = "The manager's host."
  value       = aws_instance.manager.id
}

output "worker_group_name" {
  description = "Autoscaling group of the workers' hosts."
  value       = aws_autoscaling_group.worker.name
}
