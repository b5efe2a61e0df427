# Who may do what. `weir rights` prints what weir itself asks of AWS; tests hold these documents to be that
# and no more. The hosts' own rights, by which they become hosts of weir, are in the document "host".

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id

  # arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/ID, and what is in it: …:topic/NAME/ID/TOPIC.
  kafka_arns = {
    for kind in ["topic", "group", "transactional-id"] :
    kind => replace(module.kafka.arn, ":cluster/", ":${kind}/")
  }

  roles = { manager = aws_iam_role.manager, worker = aws_iam_role.worker }
}

data "aws_iam_policy_document" "ec2" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "manager" {
  name               = "${var.name}-manager"
  description        = "The host of weir's manager"
  assume_role_policy = data.aws_iam_policy_document.ec2.json
}

resource "aws_iam_role" "worker" {
  name               = "${var.name}-worker"
  description        = "Hosts of weir's workers"
  assume_role_policy = data.aws_iam_policy_document.ec2.json
}

resource "aws_iam_instance_profile" "host" {
  for_each = local.roles

  name = each.value.name
  role = each.value.name
}

# --- what weir asks for ---------------------------------------------------------------------------

data "aws_iam_policy_document" "kafka" {
  statement {
    sid = "Cluster"
    actions = [
      "kafka-cluster:Connect",
      "kafka-cluster:DescribeCluster",
      "kafka-cluster:DescribeClusterDynamicConfiguration",
      "kafka-cluster:WriteDataIdempotently",
    ]
    resources = [module.kafka.arn]
  }

  statement {
    sid = "Topics"
    actions = [
      "kafka-cluster:DescribeTopic",
      "kafka-cluster:DescribeTopicDynamicConfiguration",
      "kafka-cluster:ReadData",
      "kafka-cluster:WriteData",
    ]
    resources = [for topic in keys(var.topics) : "${local.kafka_arns["topic"]}/${topic}"]
  }

  statement {
    sid       = "Groups"
    actions   = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
    resources = ["${local.kafka_arns["group"]}/weir-*"]
  }

  statement {
    sid       = "Transactions"
    actions   = ["kafka-cluster:AlterTransactionalId", "kafka-cluster:DescribeTransactionalId"]
    resources = ["${local.kafka_arns["transactional-id"]}/weir-*"]
  }
}

data "aws_iam_policy_document" "secrets" {
  statement {
    sid       = "Passwords"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = module.kafka.scram_secret_arns
  }

  statement {
    sid       = "TheirKey"
    actions   = ["kms:Decrypt"]
    resources = [module.kafka.scram_key_arn]
  }
}

data "aws_iam_policy_document" "schemas_read" {
  statement {
    sid       = "Schemas"
    actions   = ["glue:GetSchema", "glue:GetSchemaByDefinition", "glue:ListSchemaVersions"]
    resources = local.schema_arns
  }

  statement {
    sid     = "SchemasById"
    actions = ["glue:GetSchemaVersion"]
    # By the id in a record's header, which names no registry.
    resources = ["*"]
  }
}

data "aws_iam_policy_document" "schemas_write" {
  statement {
    sid       = "NewSchemas"
    actions   = ["glue:CreateSchema", "glue:RegisterSchemaVersion", "glue:UpdateSchema"]
    resources = local.schema_arns
  }
}

data "aws_iam_policy_document" "objects" {
  statement {
    sid       = "Objects"
    actions   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
    resources = [for bucket in local.working_buckets : "${bucket}/*"]
  }

  statement {
    sid       = "Buckets"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = local.working_buckets
  }
}

locals {
  schema_arns = [
    module.registry.arn,
    "arn:${local.partition}:glue:${var.region}:${local.account}:schema/${module.registry.name}/*",
  ]

  working_buckets = [module.bucket["checkpoints"].arn, module.bucket["lake"].arn]
}

# Rights on the search domain are in the domain's own policy: modules/search.
resource "aws_iam_role_policy" "worker" {
  for_each = merge(
    {
      kafka         = data.aws_iam_policy_document.kafka.json
      schemas-read  = data.aws_iam_policy_document.schemas_read.json
      schemas-write = data.aws_iam_policy_document.schemas_write.json
      objects       = data.aws_iam_policy_document.objects.json
    },
    length(var.scram_users) > 0 ? { secrets = data.aws_iam_policy_document.secrets.json } : {},
  )

  name   = each.key
  role   = aws_iam_role.worker.id
  policy = each.value
}

# Planning a job may ask the registry what its text does not say.
resource "aws_iam_role_policy" "manager" {
  name   = "schemas-read"
  role   = aws_iam_role.manager.id
  policy = data.aws_iam_policy_document.schemas_read.json
}

# --- what a host asks for -------------------------------------------------------------------------

data "aws_iam_policy_document" "host" {
  statement {
    sid       = "Package"
    actions   = ["s3:GetObject"]
    resources = ["${module.bucket["packages"].arn}/*"]
  }

  statement {
    sid       = "OwnCertificate"
    actions   = ["acm-pca:GetCertificate", "acm-pca:IssueCertificate"]
    resources = [module.authority.arn]
  }

  # Of the document AmazonSSMManagedInstanceCore what a shell and forwarded ports take.
  statement {
    sid = "SessionManager"
    actions = [
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "host" {
  for_each = local.roles

  name   = "host"
  role   = each.value.id
  policy = data.aws_iam_policy_document.host.json
}
