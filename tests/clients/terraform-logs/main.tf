# What tests/clients/terraform makes, looks at again, changes and removes: log groups, streams, filters,
# policies, saved queries, destinations and deliveries of CloudWatch Logs.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "endpoint" {}

# Changed between two runs.
variable "team" { default = "net" }
variable "keep_days" { default = 7 }

provider "aws" {
  region = "us-east-1"
  endpoints {
    cloudwatchlogs = var.endpoint
    firehose       = var.endpoint
    iam            = var.endpoint
    s3             = var.endpoint
    sts            = var.endpoint
  }
  s3_use_path_style = true
  default_tags {
    tags = { team = var.team }
  }
}

data "aws_caller_identity" "root" {}

resource "aws_s3_bucket" "flows" {
  bucket        = "flows"
  force_destroy = true
}

resource "aws_iam_role" "logs" {
  name = "logs"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "logs.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
}

resource "aws_cloudwatch_log_group" "flows" {
  name              = "/vpc/flows"
  retention_in_days = var.keep_days
}

resource "aws_cloudwatch_log_stream" "one" {
  name           = "eni-0123456789abcdef0-all"
  log_group_name = aws_cloudwatch_log_group.flows.name
}

resource "aws_cloudwatch_log_index_policy" "flows" {
  log_group_name  = aws_cloudwatch_log_group.flows.name
  policy_document = jsonencode({ Fields = ["srcAddr", "dstPort"] })
}

resource "aws_cloudwatch_log_metric_filter" "rejected" {
  name           = "rejected"
  log_group_name = aws_cloudwatch_log_group.flows.name
  pattern        = "[version, account, eni, source, dest, srcport, dstport = 22, protocol, packets, bytes, start, end, action = REJECT, status]"
  metric_transformation {
    name          = "rejected-${var.team}"
    namespace     = "Flows"
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_log_resource_policy" "delivery" {
  policy_name = "delivery"
  policy_document = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { Service = "delivery.logs.amazonaws.com" },
    Action = "logs:PutLogEvents", Resource = "${aws_cloudwatch_log_group.flows.arn}:*" }]
  })
}

resource "aws_cloudwatch_query_definition" "top" {
  name            = "flows/top"
  log_group_names = [aws_cloudwatch_log_group.flows.name]
  query_string    = "stats sum(bytes) by srcAddr | limit ${var.keep_days}"
}

resource "aws_kinesis_firehose_delivery_stream" "flows" {
  name        = "flows"
  destination = "extended_s3"
  extended_s3_configuration {
    role_arn   = aws_iam_role.logs.arn
    bucket_arn = aws_s3_bucket.flows.arn
  }
}

resource "aws_cloudwatch_log_subscription_filter" "flows" {
  name            = "rejected"
  log_group_name  = aws_cloudwatch_log_group.flows.name
  filter_pattern  = "REJECT"
  destination_arn = aws_kinesis_firehose_delivery_stream.flows.arn
  role_arn        = aws_iam_role.logs.arn
}

resource "aws_cloudwatch_log_destination" "stream" {
  name       = "stream"
  role_arn   = aws_iam_role.logs.arn
  target_arn = aws_kinesis_firehose_delivery_stream.flows.arn
}

resource "aws_cloudwatch_log_destination_policy" "stream" {
  destination_name = aws_cloudwatch_log_destination.stream.name
  access_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = data.aws_caller_identity.root.account_id },
    Action = "logs:PutSubscriptionFilter", Resource = aws_cloudwatch_log_destination.stream.arn }]
  })
}

resource "aws_cloudwatch_log_delivery_source" "distribution" {
  name         = "distribution"
  log_type     = "ACCESS_LOGS"
  resource_arn = "arn:aws:cloudfront::${data.aws_caller_identity.root.account_id}:distribution/E1Q5F5862X9VJ5"
}

resource "aws_cloudwatch_log_delivery_destination" "bucket" {
  name          = "bucket"
  output_format = "json"
  delivery_destination_configuration {
    destination_resource_arn = aws_s3_bucket.flows.arn
  }
}

resource "aws_cloudwatch_log_delivery_destination_policy" "bucket" {
  delivery_destination_name = aws_cloudwatch_log_delivery_destination.bucket.name
  delivery_destination_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Principal = { AWS = data.aws_caller_identity.root.account_id },
    Action = "logs:CreateDelivery", Resource = aws_cloudwatch_log_delivery_destination.bucket.arn }]
  })
}

resource "aws_cloudwatch_log_delivery" "pair" {
  delivery_source_name     = aws_cloudwatch_log_delivery_source.distribution.name
  delivery_destination_arn = aws_cloudwatch_log_delivery_destination.bucket.arn
  record_fields            = ["date", "time", "c-ip"]
  s3_delivery_configuration {
    enable_hive_compatible_path = false
    suffix_path                 = "{yyyy}/{MM}/"
  }
}
