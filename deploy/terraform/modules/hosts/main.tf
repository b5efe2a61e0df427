# The hosts: Debian with weir's package. What is done at their first start is in templates/; afterwards they
# are like any host that docs/install.md describes.

locals {
  first_start = {
    for process in ["manager", "worker"] : process => templatefile("${path.module}/templates/first_start.sh.tftpl", {
      process   = process
      region    = var.region
      package   = var.package
      settings  = var.settings
      ca        = var.authority.certificate
      volume_id = process == "manager" ? aws_ebs_volume.manager.id : ""
      certificate = templatefile("${path.module}/templates/certificate.sh.tftpl", {
        process       = process
        region        = var.region
        authority_arn = var.authority.arn
      })
    })
  }
}

# Debian's own, of a day: debian-12-amd64-20260112-2355. A newer one replaces hosts with the next apply.
data "aws_ami" "debian" {
  most_recent = true
  owners      = ["136693071363"]

  filter {
    name   = "name"
    values = ["debian-${var.debian_release}-amd64-2*"]
  }
}

# The manager's jobs, which outlive its host.
resource "aws_ebs_volume" "manager" {
  availability_zone = var.availability_zones[0]
  size              = 10
  type              = "gp3"
  encrypted         = true
  tags              = { Name = "${var.name}-manager" }
}

resource "aws_instance" "manager" {
  ami                         = data.aws_ami.debian.id
  instance_type               = var.manager_instance_type
  subnet_id                   = var.subnet_ids[0]
  private_ip                  = var.manager_address
  vpc_security_group_ids      = [var.security_group_ids.manager]
  iam_instance_profile        = var.instance_profile_names.manager
  user_data                   = local.first_start["manager"]
  user_data_replace_on_change = true
  tags                        = { Name = "${var.name}-manager" }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    encrypted   = true
    volume_type = "gp3"
    volume_size = 20
  }
}

resource "aws_volume_attachment" "manager" {
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.manager.id
  instance_id = aws_instance.manager.id
  # Unmounted first, by the shutdown.
  stop_instance_before_detaching = true
}

resource "aws_launch_template" "worker" {
  name_prefix            = "${var.name}-worker-"
  image_id               = data.aws_ami.debian.id
  instance_type          = var.worker_instance_type
  user_data              = base64encode(local.first_start["worker"])
  vpc_security_group_ids = [var.security_group_ids.worker]

  iam_instance_profile {
    name = var.instance_profile_names.worker
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  block_device_mappings {
    device_name = data.aws_ami.debian.root_device_name

    ebs {
      encrypted   = true
      volume_type = "gp3"
      volume_size = var.worker_volume_gib
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.name}-worker" }
  }
}

resource "aws_autoscaling_group" "worker" {
  name                = "${var.name}-worker"
  min_size            = var.workers
  max_size            = var.workers + 1
  desired_capacity    = var.workers
  vpc_zone_identifier = var.subnet_ids

  launch_template {
    id      = aws_launch_template.worker.id
    version = aws_launch_template.worker.latest_version
  }

  # New settings, or a new package: one host after the other is replaced. One that is being ended moves its
  # tasks away first.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage = 100
      max_healthy_percentage = 150
      instance_warmup        = 180
    }
  }

  depends_on = [aws_instance.manager]
}
