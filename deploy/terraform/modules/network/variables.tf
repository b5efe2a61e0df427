variable "name" {
  description = "Before the names of all that is made."
  type        = string
}

variable "region" {
  description = "AWS's region."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC."
  type        = string
}

variable "prometheus_security_group_id" {
  description = "Whose metrics may be read by; null: nobody's."
  type        = string
}
