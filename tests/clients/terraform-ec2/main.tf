# What tests/clients/terraform_ec2 makes, looks at again, changes and removes: flow logs on each kind of
# resource, to buckets and log groups, and what the data sources find of the network.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "endpoint" {}

# Changed between two runs: tags are changed in place, all else of a flow log makes a new one.
variable "team" { default = "net" }
variable "traffic" { default = "ALL" }

provider "aws" {
  region            = "us-east-1"
  s3_use_path_style = true
  endpoints {
    ec2 = var.endpoint
    iam = var.endpoint
    s3  = var.endpoint
    sts = var.endpoint
  }
  default_tags {
    tags = { team = var.team }
  }
}

data "aws_region" "here" {}

data "aws_availability_zones" "all" {
  state = "available"
}

data "aws_vpc" "default" {
  default = true
}

data "aws_vpcs" "all" {}

data "aws_subnets" "of_vpc" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

data "aws_subnet" "v4" {
  vpc_id     = data.aws_vpc.default.id
  cidr_block = "10.0.0.0/24"
}

data "aws_network_interfaces" "containers" {
  filter {
    name   = "tag:nagare:kind"
    values = ["veth"]
  }
}

data "aws_network_interface" "container" {
  id = data.aws_network_interfaces.containers.ids[0]
}

data "aws_security_group" "input" {
  name   = "input"
  vpc_id = data.aws_vpc.default.id
}

data "aws_instances" "hosts" {
  instance_tags = { "nagare:kind" = "host" }
}

resource "aws_s3_bucket" "flows" {
  bucket        = "terraform-flows"
  force_destroy = true
}

resource "aws_iam_role" "flow_logs" {
  name = "flow-logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_flow_log" "vpc" {
  vpc_id                   = data.aws_vpc.default.id
  traffic_type             = var.traffic
  log_destination_type     = "s3"
  log_destination          = aws_s3_bucket.flows.arn
  log_format               = "$${version} $${vpc-id} $${interface-id} $${bytes}"
  max_aggregation_interval = 60
  destination_options {
    file_format                = "parquet"
    hive_compatible_partitions = true
    per_hour_partition         = true
  }
  tags = { Name = "vpc" }
}

resource "aws_flow_log" "subnet" {
  subnet_id    = data.aws_subnet.v4.id
  traffic_type = "REJECT"
  iam_role_arn = aws_iam_role.flow_logs.arn
  # A group that is not there yet is made by the first delivery.
  log_destination = "arn:aws:logs:us-east-1:${data.aws_vpc.default.owner_id}:log-group:/terraform/subnet"
}

resource "aws_flow_log" "interface" {
  eni_id               = data.aws_network_interface.container.id
  traffic_type         = "ACCEPT"
  log_destination_type = "s3"
  log_destination      = "${aws_s3_bucket.flows.arn}/container/"
}

output "found" {
  value = jsonencode({
    region       = data.aws_region.here.name
    zones        = data.aws_availability_zones.all.names
    vpcs         = sort(data.aws_vpcs.all.ids)
    vpc          = [data.aws_vpc.default.cidr_block, data.aws_vpc.default.enable_dns_support, data.aws_vpc.default.tags.Name]
    subnets      = sort(data.aws_subnets.of_vpc.ids)
    subnet       = data.aws_subnet.v4.available_ip_address_count
    interface    = [data.aws_network_interface.container.private_ip, data.aws_network_interface.container.mac_address, data.aws_network_interface.container.attachment[0].instance_id]
    group        = data.aws_security_group.input.id
    hosts        = data.aws_instances.hosts.ids
    flow_log_arn = aws_flow_log.vpc.arn
  })
}
