variable "name" {
  description = "Before the names of all that is made, so that several of these can be in one account."
  type        = string
  default     = "weir"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,19}$", var.name))
    error_message = "The name is 3 to 20 small letters, digits and '-', and begins with a letter."
  }
}

variable "region" {
  description = "AWS's region in which all is made."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written like eu-central-1."
  }
}

variable "tags" {
  description = "Tags of everything that can have some."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(var.tags) <= 40
    error_message = "40 at most: AWS takes 50, and some are set here."
  }
}

# --- network ------------------------------------------------------------------------------------

variable "vpc_cidr" {
  description = "Addresses of the VPC that is made; a /24 of it for each subnet."
  type        = string
  default     = "10.60.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 8, 15)) && try(tonumber(split("/", var.vpc_cidr)[1]) <= 16, false)
    error_message = "A network of a /16 or larger, as 10.60.0.0/16."
  }
}

variable "prometheus_security_group_id" {
  description = "Security group of a Prometheus that may read the metrics of weir and of the brokers. Null: nobody reads them."
  type        = string
  default     = null

  validation {
    condition     = var.prometheus_security_group_id == null || can(regex("^sg-[0-9a-f]+$", var.prometheus_security_group_id))
    error_message = "The id of a security group, sg-…"
  }
}

# --- Kafka --------------------------------------------------------------------------------------

variable "kafka_version" {
  description = "Version of Apache Kafka, as MSK names those in KRaft mode."
  type        = string
  default     = "3.9.x.kraft"

  validation {
    condition     = can(regex("^(3\\.(9|[1-9][0-9])|[4-9]\\.[0-9]+)\\.x\\.kraft$", var.kafka_version))
    error_message = "A version 3.9 or newer in KRaft mode, such as 3.9.x.kraft or 4.1.x.kraft."
  }
}

variable "brokers" {
  description = "Brokers of the cluster: the same number in each of three zones."
  type        = number
  default     = 3

  validation {
    condition     = var.brokers >= 3 && var.brokers % 3 == 0
    error_message = "A multiple of 3, since replicas are kept in three zones."
  }
}

variable "broker_instance_type" {
  description = "Size of a broker."
  type        = string
  default     = "kafka.m7g.large"

  validation {
    condition     = startswith(var.broker_instance_type, "kafka.")
    error_message = "Types of standard brokers begin with 'kafka.'."
  }
}

variable "broker_volume_gib" {
  description = "Disk of a broker, in GiB."
  type        = number
  default     = 100

  validation {
    condition     = var.broker_volume_gib >= 1 && var.broker_volume_gib <= 16384
    error_message = "Between 1 and 16384 GiB."
  }
}

variable "unauthenticated_tls" {
  description = "Whether port 9094 also takes clients that show no certificate, which then may do everything that no ACL keeps them from. Security groups decide who reaches the port."
  type        = bool
  default     = false
}

variable "scram_users" {
  description = "Users with a password (SCRAM-SHA-512). Each has a secret AmazonMSK_NAME_USER, with a password that nobody has seen."
  type        = set(string)
  default     = ["weir"]

  validation {
    condition     = alltrue([for user in var.scram_users : can(regex("^[A-Za-z0-9_-]{1,40}$", user))])
    error_message = "Names of users are letters, digits, '-' and '_', 40 at most."
  }
}

variable "topics" {
  description = "Topics that are made, and that the workers may read and write."
  type = map(object({
    partitions     = number
    retention_days = optional(number, 7)
  }))
  default = {
    ExampleTopic                                 = { partitions = 3 }
    "ExampleTopic.dead"                          = { partitions = 1 }
    Departments_Agg                              = { partitions = 3 }
    ClickEvents_UserId_Agg_Result                = { partitions = 3 }
    User_Sessions_Aggregates_With_Order_Checkout = { partitions = 3 }
    MyTopic                                      = { partitions = 3 }
    stock                                        = { partitions = 3 }
    taxi-trip-events                             = { partitions = 8 }
    blog-replay                                  = { partitions = 2 }
  }

  validation {
    condition     = alltrue([for topic in values(var.topics) : topic.partitions >= 1 && topic.retention_days >= 1])
    error_message = "A topic has a partition at least, and keeps its records for a day at least."
  }
}

# --- search -------------------------------------------------------------------------------------

variable "opensearch_version" {
  description = "Version of the search domain, as AWS names it."
  type        = string
  default     = "OpenSearch_2.19"

  validation {
    condition     = can(regex("^OpenSearch_[2-9]\\.[0-9]+$", var.opensearch_version))
    error_message = "A version of OpenSearch 2 or newer, such as OpenSearch_2.19."
  }
}

variable "opensearch_instance_type" {
  description = "Size of a node of the search domain."
  type        = string
  default     = "r7g.large.search"

  validation {
    condition     = endswith(var.opensearch_instance_type, ".search")
    error_message = "Types of nodes end in '.search'."
  }
}

variable "opensearch_volume_gib" {
  description = "Disk of a node of the search domain, in GiB."
  type        = number
  default     = 50

  validation {
    condition     = var.opensearch_volume_gib >= 10
    error_message = "10 GiB at least."
  }
}

variable "dashboard_readers" {
  description = "ARNs of roles and users that look at the dashboards, and load them."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.dashboard_readers : can(regex("^arn:[a-z-]+:(iam|sts)::[0-9]{12}:", arn))])
    error_message = "Each is the ARN of a role or a user."
  }
}

variable "opensearch_service_role" {
  description = "Whether the account's role AWSServiceRoleForAmazonOpenSearchService is made, too. False where the account has it, from an earlier domain in a VPC."
  type        = bool
  default     = true
}

# --- hosts --------------------------------------------------------------------------------------

variable "weir_package" {
  description = "weir's package for the hosts' Debian, on this machine: build/package/weir_…_amd64.deb, which ./dev package makes."
  type        = string

  validation {
    condition     = endswith(var.weir_package, "_amd64.deb") && fileexists(var.weir_package)
    error_message = "There is no such file, or it is no package for amd64: ./dev package makes one."
  }
}

variable "debian_release" {
  description = "Release of Debian on the hosts: the one that the package was made on."
  type        = number
  default     = 12

  validation {
    condition     = contains([12, 13], var.debian_release)
    error_message = "12 or 13."
  }
}

variable "manager_instance_type" {
  description = "Size of the manager's host, for amd64."
  type        = string
  default     = "t3.small"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.manager_instance_type))
    error_message = "A type of instance such as t3.small."
  }
}

variable "worker_instance_type" {
  description = "Size of a worker's host, for amd64."
  type        = string
  default     = "c7i.large"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*\\.[a-z0-9-]+$", var.worker_instance_type))
    error_message = "A type of instance such as c7i.large."
  }
}

variable "workers" {
  description = "Hosts with a worker each."
  type        = number
  default     = 2

  validation {
    condition     = var.workers >= 1
    error_message = "One at least."
  }
}

variable "worker_slots" {
  description = "Worker slots of each worker: tasks of a step that it runs at once."
  type        = number
  default     = 8

  validation {
    condition     = var.worker_slots >= 1
    error_message = "One at least."
  }
}

variable "worker_memory" {
  description = "What a worker may use for state and source buffers: half of the host's memory at most."
  type        = string
  default     = "2GiB"

  validation {
    condition     = can(regex("^[1-9][0-9]*(MiB|GiB)$", var.worker_memory))
    error_message = "A size such as 512MiB or 4GiB."
  }
}

variable "worker_volume_gib" {
  description = "Disk of a worker's host, in GiB: for the state of its tasks, and for results that are not published yet."
  type        = number
  default     = 100

  validation {
    condition     = var.worker_volume_gib >= 20
    error_message = "20 GiB at least."
  }
}
