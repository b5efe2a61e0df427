# What jobs of weir need on AWS, from the network up: docs/aws.md tells how it is used, and what each
# right is for.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

module "network" {
  source = "./modules/network"

  name                         = var.name
  region                       = var.region
  cidr                         = var.vpc_cidr
  prometheus_security_group_id = var.prometheus_security_group_id
}

module "authority" {
  source = "./modules/authority"

  name = var.name
}

module "kafka" {
  source = "./modules/kafka"

  name                = var.name
  kafka_version       = var.kafka_version
  brokers             = var.brokers
  instance_type       = var.broker_instance_type
  volume_gib          = var.broker_volume_gib
  subnet_ids          = module.network.private_subnet_ids
  security_group_id   = module.network.brokers_security_group_id
  authority_arn       = module.authority.arn
  unauthenticated_tls = var.unauthenticated_tls
  scram_users         = var.scram_users
  topics              = var.topics
}

module "registry" {
  source = "./modules/registry"

  name = "clickstream"
  schemas = {
    # As examples/clickstream-producer.yaml names it.
    clickstream = file("${path.module}/../../examples/click_event.avsc")
  }
}

module "search" {
  source = "./modules/search"

  name              = var.name
  engine_version    = var.opensearch_version
  instance_type     = var.opensearch_instance_type
  volume_gib        = var.opensearch_volume_gib
  subnet_ids        = module.network.private_subnet_ids
  security_group_id = module.network.search_security_group_id
  writer_arn        = aws_iam_role.worker.arn
  reader_arns       = var.dashboard_readers
  service_role      = var.opensearch_service_role
}

module "bucket" {
  source   = "./modules/bucket"
  for_each = toset(["checkpoints", "lake", "packages"])

  # Names are taken by whoever comes first, all over AWS.
  name = "${var.name}-${each.key}-${data.aws_caller_identity.current.account_id}-${var.region}"
}

resource "aws_s3_object" "package" {
  bucket      = module.bucket["packages"].name
  key         = "${filesha256(var.weir_package)}/weir.deb"
  source      = var.weir_package
  source_hash = filesha256(var.weir_package)
}

locals {
  # ${NAME} of the jobs in examples/.
  job_variables = {
    AWS_REGION        = var.region
    BOOTSTRAP_SERVERS = module.kafka.bootstrap_servers["iam"]
    BUCKET            = module.bucket["lake"].name
    KAFKA_SECURITY    = "iam"
    MSK_IAM           = module.kafka.bootstrap_servers["iam"]
    MSK_SCRAM         = module.kafka.bootstrap_servers["scram"]
    MSK_TLS           = module.kafka.bootstrap_servers["tls"]
    OPENSEARCH_URL    = module.search.url
  }

  settings = templatefile("${path.module}/weir.yaml.tftpl", {
    region          = var.region
    manager_address = module.network.manager_address
    checkpoints     = module.bucket["checkpoints"].name
    slots           = var.worker_slots
    memory          = var.worker_memory
    brokers         = module.kafka.bootstrap_servers
    scram_secrets   = module.kafka.scram_secret_names
    registry        = module.registry.name
    search_url      = module.search.url
    lake            = module.bucket["lake"].name
  })
}

module "hosts" {
  source = "./modules/hosts"

  name                   = var.name
  region                 = var.region
  debian_release         = var.debian_release
  subnet_ids             = module.network.private_subnet_ids
  availability_zones     = module.network.availability_zones
  security_group_ids     = module.network.host_security_group_ids
  instance_profile_names = { for process, profile in aws_iam_instance_profile.host : process => profile.name }
  manager_address        = module.network.manager_address
  manager_instance_type  = var.manager_instance_type
  worker_instance_type   = var.worker_instance_type
  workers                = var.workers
  worker_volume_gib      = var.worker_volume_gib
  package                = { bucket = aws_s3_object.package.bucket, key = aws_s3_object.package.key }
  authority              = { arn = module.authority.arn, certificate = module.authority.certificate }
  settings               = local.settings

  # A host's first call needs its rights, and a way out of the network.
  depends_on = [
    aws_iam_role_policy.host,
    aws_iam_role_policy.manager,
    aws_iam_role_policy.worker,
    module.network,
  ]
}
