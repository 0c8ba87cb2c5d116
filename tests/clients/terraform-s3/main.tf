# What tests/clients/terraform makes, looks at again, changes and removes: buckets as people set them up
# for flow logs, with every configuration of S3 that nagare keeps, and objects in them.
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
variable "keep_days" { default = 400 }
variable "content" { default = "one" }

provider "aws" {
  region            = "us-east-1"
  s3_use_path_style = true
  endpoints {
    s3  = var.endpoint
    iam = var.endpoint
    sts = var.endpoint
  }
}

resource "aws_s3_bucket" "flows" {
  bucket        = "flows"
  force_destroy = true
  tags          = { team = var.team }
}

resource "aws_s3_bucket_versioning" "flows" {
  bucket = aws_s3_bucket.flows.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_ownership_controls" "flows" {
  bucket = aws_s3_bucket.flows.id
  rule {
    object_ownership = "BucketOwnerPreferred"
  }
}

resource "aws_s3_bucket_acl" "flows" {
  bucket     = aws_s3_bucket.flows.id
  acl        = "private"
  depends_on = [aws_s3_bucket_ownership_controls.flows]
}

resource "aws_s3_bucket_public_access_block" "flows" {
  bucket                  = aws_s3_bucket.flows.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "flows" {
  bucket = aws_s3_bucket.flows.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

data "aws_iam_policy_document" "deliver" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.flows.arn}/AWSLogs/*"]
    principals {
      type        = "Service"
      identifiers = ["delivery.logs.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "s3:x-amz-acl"
      values   = ["bucket-owner-full-control"]
    }
  }
}

resource "aws_s3_bucket_policy" "flows" {
  bucket = aws_s3_bucket.flows.id
  policy = data.aws_iam_policy_document.deliver.json
}

resource "aws_s3_bucket_lifecycle_configuration" "flows" {
  bucket     = aws_s3_bucket.flows.id
  depends_on = [aws_s3_bucket_versioning.flows]
  rule {
    id     = "keep"
    status = "Enabled"
    filter {
      prefix = "AWSLogs/"
    }
    expiration {
      days = var.keep_days
    }
    noncurrent_version_expiration {
      noncurrent_days = 7
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

resource "aws_s3_bucket_cors_configuration" "flows" {
  bucket = aws_s3_bucket.flows.id
  cors_rule {
    allowed_methods = ["GET"]
    allowed_origins = ["https://console.example.com"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3000
  }
}

resource "aws_s3_bucket_notification" "flows" {
  bucket = aws_s3_bucket.flows.id
  topic {
    id            = "new"
    topic_arn     = "arn:aws:sns:us-east-1:000000000000:http://127.0.0.1:9/hook"
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = "AWSLogs/"
  }
}

resource "aws_s3_object" "note" {
  bucket       = aws_s3_bucket.flows.id
  key          = "AWSLogs/note.txt"
  content      = var.content
  content_type = "text/plain"
  metadata     = { of = "flows" }
  tags         = { team = var.team }
}

resource "aws_s3_object_copy" "note" {
  bucket            = aws_s3_bucket.flows.id
  key               = "copy.txt"
  source            = "${aws_s3_bucket.flows.id}/${aws_s3_object.note.key}"
  tagging_directive = "REPLACE"
  tags              = { of = "copy" }
  depends_on        = [aws_s3_object.note]
}

data "aws_s3_object" "note" {
  bucket = aws_s3_object.note.bucket
  key    = aws_s3_object.note.key
}

data "aws_s3_objects" "all" {
  bucket     = aws_s3_bucket.flows.id
  depends_on = [aws_s3_object_copy.note]
}

output "body" {
  value = data.aws_s3_object.note.body
}

output "keys" {
  value = data.aws_s3_objects.all.keys
}
