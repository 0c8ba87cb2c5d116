# What tests/clients/terraform makes, looks at again, changes and removes: databases, tables, partitions,
# indexes, functions and crawlers of the Data Catalog.
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

provider "aws" {
  region = "us-east-1"
  endpoints {
    glue = var.endpoint
    iam  = var.endpoint
    sts  = var.endpoint
  }
  default_tags {
    tags = { team = var.team }
  }
}

data "aws_caller_identity" "root" {}

resource "aws_glue_catalog_database" "logs" {
  name        = "logs"
  description = "of ${var.team}"
  parameters  = { owner = "me" }
}

resource "aws_glue_catalog_table" "flows" {
  name          = "flows"
  database_name = aws_glue_catalog_database.logs.name
  description   = "of ${var.team}"
  table_type    = "EXTERNAL_TABLE"
  parameters    = { "skip.header.line.count" = "1" }

  partition_keys {
    name = "day"
    type = "date"
  }
  partition_keys {
    name = "hour"
    type = "int"
  }
  storage_descriptor {
    location      = "s3://flows/AWSLogs/"
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
      parameters            = { "field.delim" = " " }
    }
    columns {
      name    = "srcaddr"
      type    = "string"
      comment = "from where"
    }
    columns {
      name = "bytes"
      type = "bigint"
    }
  }
}

resource "aws_glue_partition" "first" {
  database_name    = aws_glue_catalog_database.logs.name
  table_name       = aws_glue_catalog_table.flows.name
  partition_values = ["2026-01-31", "7"]
  parameters       = { of = var.team }
}

resource "aws_glue_partition_index" "day" {
  database_name = aws_glue_catalog_database.logs.name
  table_name    = aws_glue_catalog_table.flows.name
  partition_index {
    index_name = "by_day"
    keys       = ["day"]
  }
}

resource "aws_glue_user_defined_function" "f" {
  name          = "f"
  catalog_id    = data.aws_caller_identity.root.account_id
  database_name = aws_glue_catalog_database.logs.name
  class_name    = "com.example.${var.team}"
  owner_name    = "me"
  owner_type    = "USER"
}

resource "aws_glue_crawler" "flows" {
  name          = "flows"
  database_name = aws_glue_catalog_database.logs.name
  role          = "arn:aws:iam::${data.aws_caller_identity.root.account_id}:role/crawler"
  schedule      = "cron(15 12 * * ? *)"
  description   = "of ${var.team}"
  s3_target {
    path = "s3://flows/AWSLogs/"
  }
}
