variable "name" {
  description = "Name of the cluster, and before the names of what belongs to it."
  type        = string
}

variable "kafka_version" {
  description = "Version of Apache Kafka, as MSK names it."
  type        = string
}

variable "brokers" {
  description = "How many, over all subnets."
  type        = number
}

variable "instance_type" {
  description = "Size of a broker."
  type        = string
}

variable "volume_gib" {
  description = "Disk of a broker, in GiB."
  type        = number
}

variable "subnet_ids" {
  description = "One in each zone."
  type        = list(string)
}

variable "security_group_id" {
  description = "Of the brokers."
  type        = string
}

variable "authority_arn" {
  description = "The private authority whose certificates are taken for mutual TLS."
  type        = string
}

variable "unauthenticated_tls" {
  description = "Whether clients without a certificate are taken on port 9094, too."
  type        = bool
}

variable "scram_users" {
  description = "Users with a password."
  type        = set(string)
}

variable "topics" {
  description = "Topics that are made."
  type        = map(object({ partitions = number, retention_days = number }))
}
