variable "name" {
  description = "Before the names of all that is made."
  type        = string
}

variable "region" {
  description = "AWS's region."
  type        = string
}

variable "debian_release" {
  description = "Release of Debian: the one that the package was made on."
  type        = number
}

variable "subnet_ids" {
  description = "Private subnets; the manager is in the first."
  type        = list(string)
}

variable "availability_zones" {
  description = "Their zones, in the same order."
  type        = list(string)
}

variable "security_group_ids" {
  description = "Security groups of the hosts, by process."
  type        = object({ manager = string, worker = string })
}

variable "instance_profile_names" {
  description = "What the hosts' roles come by, by process."
  type        = object({ manager = string, worker = string })
}

variable "manager_address" {
  description = "The manager's address, which workers have in their settings."
  type        = string
}

variable "manager_instance_type" {
  description = "Size of the manager's host."
  type        = string
}

variable "worker_instance_type" {
  description = "Size of a worker's host."
  type        = string
}

variable "workers" {
  description = "Hosts with a worker each."
  type        = number
}

variable "worker_volume_gib" {
  description = "Disk of a worker's host, in GiB."
  type        = number
}

variable "package" {
  description = "weir's package, as an object in S3."
  type        = object({ bucket = string, key = string })
}

variable "authority" {
  description = "Who issues the hosts' certificates, and its own certificate in PEM."
  type        = object({ arn = string, certificate = string })
}

variable "settings" {
  description = "/etc/weir/weir.yaml of all hosts."
  type        = string
}
