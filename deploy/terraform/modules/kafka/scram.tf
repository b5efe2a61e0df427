# Users with a password. MSK takes secrets whose names begin with AmazonMSK_ and that are encrypted with a
# key of the customer's own. The passwords are made here and written only: they are in no state and no plan.

resource "aws_kms_key" "secrets" {
  description         = "Passwords of Kafka's users of ${var.name}"
  enable_key_rotation = true
}

ephemeral "random_password" "scram" {
  for_each = var.scram_users

  length  = 40
  special = false
}

resource "aws_secretsmanager_secret" "scram" {
  for_each = var.scram_users

  name        = "AmazonMSK_${var.name}_${each.key}"
  description = "SCRAM user ${each.key} of the MSK cluster ${var.name}"
  kms_key_id  = aws_kms_key.secrets.arn
}

resource "aws_secretsmanager_secret_version" "scram" {
  for_each = var.scram_users

  secret_id = aws_secretsmanager_secret.scram[each.key].id
  # A higher version makes a new password, which brokers and weir take up by themselves.
  secret_string_wo_version = 1
  secret_string_wo = jsonencode({
    username = each.key
    password = ephemeral.random_password.scram[each.key].result
  })
}

data "aws_iam_policy_document" "brokers_read" {
  for_each = var.scram_users

  statement {
    sid       = "AWSKafkaResourcePolicy"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.scram[each.key].arn]

    principals {
      type        = "Service"
      identifiers = ["kafka.amazonaws.com"]
    }
  }
}

resource "aws_secretsmanager_secret_policy" "scram" {
  for_each = var.scram_users

  secret_arn = aws_secretsmanager_secret.scram[each.key].arn
  policy     = data.aws_iam_policy_document.brokers_read[each.key].json
}

resource "aws_msk_scram_secret_association" "this" {
  count = length(var.scram_users) > 0 ? 1 : 0

  cluster_arn     = aws_msk_cluster.this.arn
  secret_arn_list = [for secret in aws_secretsmanager_secret.scram : secret.arn]

  depends_on = [aws_secretsmanager_secret_version.scram, aws_secretsmanager_secret_policy.scram]
}
