output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "availability_zones" {
  description = "The zones, in the order of the private subnets."
  value       = local.zones
}

output "private_subnet_ids" {
  description = "One in each of three zones."
  value       = aws_subnet.private[*].id

  # Who is put into them must find the manager's address reserved.
  depends_on = [aws_ec2_subnet_cidr_reservation.manager]
}

output "brokers_security_group_id" {
  description = "Of the brokers."
  value       = aws_security_group.this["brokers"].id
}

output "search_security_group_id" {
  description = "Of the search domain."
  value       = aws_security_group.this["search"].id
}

output "host_security_group_ids" {
  description = "Of the hosts, by process."
  value       = { for process in ["manager", "worker"] : process => aws_security_group.this[process].id }
}

output "manager_address" {
  description = "The manager's address, in the first private subnet."
  value       = local.manager_address
}
