# What tests/clients/terraform makes, looks at again, changes and removes: every resource of IAM that
# nagare has operations for.
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
variable "session_seconds" { default = 7200 }
variable "delivers" { default = "s3:PutObject" }

provider "aws" {
  region = "us-east-1"
  endpoints {
    iam = var.endpoint
    sts = var.endpoint
  }
}

data "aws_caller_identity" "root" {}

data "aws_iam_policy" "logs" {
  arn = "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"
}

data "aws_iam_policy_document" "deliver" {
  statement {
    actions   = [var.delivers]
    resources = ["arn:aws:s3:::flows/*"]
    condition {
      test     = "IpAddress"
      variable = "aws:SourceIp"
      values   = ["10.0.0.0/8"]
    }
  }
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["vpc-flow-logs.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "deliver" {
  name        = "deliver"
  path        = "/flows/"
  description = "Deliver flow logs"
  policy      = data.aws_iam_policy_document.deliver.json
  tags        = { team = var.team }
}

resource "aws_iam_user" "agent" {
  name                 = "agent"
  path                 = "/agents/"
  force_destroy        = true
  permissions_boundary = aws_iam_policy.deliver.arn
  tags                 = { team = var.team }
}

resource "aws_iam_access_key" "agent" {
  user = aws_iam_user.agent.name
}

resource "aws_iam_user_policy" "agent" {
  name   = "inline"
  user   = aws_iam_user.agent.name
  policy = data.aws_iam_policy_document.deliver.json
}

resource "aws_iam_user_policy_attachment" "agent" {
  user       = aws_iam_user.agent.name
  policy_arn = aws_iam_policy.deliver.arn
}

resource "aws_iam_group" "readers" {
  name = "readers"
}

resource "aws_iam_group_membership" "readers" {
  name  = "readers"
  group = aws_iam_group.readers.name
  users = [aws_iam_user.agent.name]
}

resource "aws_iam_group_policy_attachment" "readers" {
  group      = aws_iam_group.readers.name
  policy_arn = data.aws_iam_policy.logs.arn
}

resource "aws_iam_group_policy" "readers" {
  group  = aws_iam_group.readers.name
  policy = data.aws_iam_policy_document.deliver.json
}

resource "aws_iam_role" "flows" {
  name                 = "flows"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.session_seconds
  permissions_boundary = aws_iam_policy.deliver.arn
  tags                 = { team = var.team }
}

resource "aws_iam_role_policy" "flows" {
  name   = "inline"
  role   = aws_iam_role.flows.id
  policy = data.aws_iam_policy_document.deliver.json
}

resource "aws_iam_role_policy_attachment" "flows" {
  role       = aws_iam_role.flows.name
  policy_arn = aws_iam_policy.deliver.arn
}

resource "aws_iam_instance_profile" "flows" {
  name = "flows"
  role = aws_iam_role.flows.name
  tags = { team = var.team }
}

resource "aws_iam_service_linked_role" "guardduty" {
  aws_service_name = "guardduty.amazonaws.com"
}

resource "aws_iam_account_alias" "flows" {
  account_alias = "flows"
}

resource "aws_iam_openid_connect_provider" "tokens" {
  url             = "https://tokens.example.com/path"
  client_id_list  = ["sts.amazonaws.com", var.team]
  thumbprint_list = ["0123456789abcdef0123456789abcdef01234567"]
  tags            = { team = var.team }
}

output "account" {
  value = data.aws_caller_identity.root.account_id
}
