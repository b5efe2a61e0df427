locals {
  replicas = 3

  # A record that is confirmed stays, whichever broker is lost: three copies, of which two are written before
  # a producer is answered, and no leader that lacks what was confirmed.
  settings = {
    "auto.create.topics.enable"                = "false"
    "default.replication.factor"               = local.replicas
    "min.insync.replicas"                      = 2
    "unclean.leader.election.enable"           = "false"
    "offsets.topic.replication.factor"         = local.replicas
    "transaction.state.log.replication.factor" = local.replicas
    "transaction.state.log.min.isr"            = 2
    # A transaction of weir's is open while an epoch is published; this is the longest that it may ask for.
    "transaction.max.timeout.ms" = 15 * 60 * 1000
    # What is published is marked by an offset, and fenced by a transactional id: a job may stand for 30 days.
    "offsets.retention.minutes"      = 30 * 24 * 60
    "transactional.id.expiration.ms" = 30 * 24 * 60 * 60 * 1000
  }
}

resource "aws_kms_key" "data" {
  description         = "What brokers of ${var.name} keep"
  enable_key_rotation = true
}

resource "aws_cloudwatch_log_group" "brokers" {
  name              = "/weir/${var.name}/brokers"
  retention_in_days = 14
}

resource "aws_msk_configuration" "this" {
  # Versions of Kafka have one each: a configuration in use cannot be replaced by one of its name.
  name              = "${var.name}-${replace(var.kafka_version, ".", "-")}"
  kafka_versions    = [var.kafka_version]
  server_properties = join("\n", [for name, value in local.settings : "${name}=${value}"])

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_msk_cluster" "this" {
  cluster_name           = var.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = var.brokers

  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnet_ids
    security_groups = [var.security_group_id]

    storage_info {
      ebs_storage_info {
        volume_size = var.volume_gib
      }
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  client_authentication {
    unauthenticated = var.unauthenticated_tls

    sasl {
      iam   = true
      scram = true
    }

    tls {
      certificate_authority_arns = [var.authority_arn]
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = aws_kms_key.data.arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  open_monitoring {
    prometheus {
      jmx_exporter {
        enabled_in_broker = true
      }

      node_exporter {
        enabled_in_broker = true
      }
    }
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.brokers.name
      }
    }
  }
}

resource "aws_msk_topic" "this" {
  for_each = var.topics

  cluster_arn        = aws_msk_cluster.this.arn
  name               = each.key
  partition_count    = each.value.partitions
  replication_factor = local.replicas

  configs = jsonencode({
    "min.insync.replicas" = "2"
    "retention.ms"        = tostring(each.value.retention_days * 24 * 60 * 60 * 1000)
  })
}
