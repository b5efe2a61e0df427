# Who may come to which port. Nothing is open to the internet; hosts are reached through AWS's Session Manager,
# which they dial themselves.

locals {
  # Whose security group, from whom, which port.
  doors = merge(
    {
      manager-from-workers = { of = "manager", from = "worker", port = 9281 }
      worker-from-workers  = { of = "worker", from = "worker", port = 9281 }
      search-from-workers  = { of = "search", from = "worker", port = 443 }
      # Session Manager forwards ports: dashboards are looked at through the manager's host.
      search-from-manager       = { of = "search", from = "manager", port = 443 }
      brokers-tls-from-workers  = { of = "brokers", from = "worker", port = 9094 }
      brokers-sasl-from-workers = { of = "brokers", from = "worker", port = 9096 }
      brokers-iam-from-workers  = { of = "brokers", from = "worker", port = 9098 }
    },
    var.prometheus_security_group_id == null ? {} : {
      manager-from-prometheus      = { of = "manager", from = "prometheus", port = 9400 }
      worker-from-prometheus       = { of = "worker", from = "prometheus", port = 9400 }
      brokers-jmx-from-prometheus  = { of = "brokers", from = "prometheus", port = 11001 }
      brokers-node-from-prometheus = { of = "brokers", from = "prometheus", port = 11002 }
    },
  )

  # Debian's packages over HTTP, signed as they are; AWS's APIs over HTTPS.
  ways_out = {
    for pair in setproduct(["manager", "worker"], [80, 443]) :
    "${pair[0]}-${pair[1]}" => { of = pair[0], port = pair[1] }
  }

  group_ids = merge(
    { for name, group in aws_security_group.this : name => group.id },
    { prometheus = var.prometheus_security_group_id },
  )
}

resource "aws_security_group" "this" {
  for_each = {
    manager = "The manager of weir"
    worker  = "Workers of weir"
    brokers = "Brokers of MSK"
    search  = "The search domain"
  }

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = local.doors

  security_group_id            = local.group_ids[each.value.of]
  referenced_security_group_id = local.group_ids[each.value.from]
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

# The other end of each door that a host of weir goes through.
resource "aws_vpc_security_group_egress_rule" "inside" {
  for_each = { for name, door in local.doors : name => door if door.from != "prometheus" }

  security_group_id            = local.group_ids[each.value.from]
  referenced_security_group_id = local.group_ids[each.value.of]
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  description                  = each.key
}

resource "aws_vpc_security_group_egress_rule" "outside" {
  for_each = local.ways_out

  security_group_id = local.group_ids[each.value.of]
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  description       = each.key
}
