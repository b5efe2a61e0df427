variable "name" {
  description = "Name of the domain."
  type        = string
}

variable "engine_version" {
  description = "Version of OpenSearch, as AWS names it."
  type        = string
}

variable "instance_type" {
  description = "Size of a node."
  type        = string
}

variable "volume_gib" {
  description = "Disk of a node, in GiB."
  type        = number
}

variable "subnet_ids" {
  description = "One in each of three zones, for a node each."
  type        = list(string)
}

variable "security_group_id" {
  description = "Of the domain."
  type        = string
}

variable "writer_arn" {
  description = "The role that writes into indices."
  type        = string
}

variable "reader_arns" {
  description = "Roles and users that look at dashboards, and load them."
  type        = list(string)
}

variable "service_role" {
  description = "Whether OpenSearch's role in the account is made, too."
  type        = bool
}
