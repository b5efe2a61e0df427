data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  arn = "arn:${data.aws_partition.current.partition}:es:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:domain/${var.name}"
}

resource "aws_iam_service_linked_role" "opensearch" {
  count = var.service_role ? 1 : 0

  aws_service_name = "opensearchservice.amazonaws.com"
}

resource "aws_kms_key" "data" {
  description         = "What the search domain ${var.name} keeps"
  enable_key_rotation = true
}

# The domain's policy is the one place for rights on it: who is not named here is not let in.
data "aws_iam_policy_document" "access" {
  statement {
    sid       = "WriteIndices"
    actions   = ["es:ESHttpGet", "es:ESHttpPost", "es:ESHttpPut"]
    resources = ["${local.arn}/*"]

    principals {
      type        = "AWS"
      identifiers = [var.writer_arn]
    }
  }

  dynamic "statement" {
    for_each = length(var.reader_arns) > 0 ? [var.reader_arns] : []

    content {
      sid       = "UseDashboards"
      actions   = ["es:ESHttpGet", "es:ESHttpHead", "es:ESHttpPost", "es:ESHttpPut", "es:ESHttpDelete"]
      resources = ["${local.arn}/*"]

      principals {
        type        = "AWS"
        identifiers = statement.value
      }
    }
  }
}

resource "aws_opensearch_domain" "this" {
  domain_name     = var.name
  engine_version  = var.engine_version
  access_policies = data.aws_iam_policy_document.access.json

  cluster_config {
    instance_type          = var.instance_type
    instance_count         = length(var.subnet_ids)
    zone_awareness_enabled = true

    zone_awareness_config {
      availability_zone_count = length(var.subnet_ids)
    }
  }

  ebs_options {
    ebs_enabled = true
    volume_type = "gp3"
    volume_size = var.volume_gib
  }

  vpc_options {
    subnet_ids         = var.subnet_ids
    security_group_ids = [var.security_group_id]
  }

  encrypt_at_rest {
    enabled    = true
    kms_key_id = aws_kms_key.data.arn
  }

  node_to_node_encryption {
    enabled = true
  }

  domain_endpoint_options {
    enforce_https       = true
    tls_security_policy = "Policy-Min-TLS-1-2-PFS-2023-10"
  }

  depends_on = [aws_iam_service_linked_role.opensearch]
}
