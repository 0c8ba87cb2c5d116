/* arn: Amazon Resource Names, arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE (IAM guide, "Amazon
 * Resource Names"). Borrowed parts; the resource may hold anything, ':' and '/' included. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

#define AWS_ARN_MAX 2048

struct aws_arn {
	struct str partition, service;
	struct str region, account; /* may be empty: S3 has neither, IAM no region */
	struct str resource;
};

/* False: no ARN, or longer than AWS_ARN_MAX. */
bool aws_arn_parse(struct str text, struct aws_arn *ret_arn);
void aws_arn_add(struct buf *buf, const struct aws_arn *arn);
/* "user/path/name" is user and path/name, "log-group:a:*" is log-group and a:*; without a '/' or
 * ':' the type is empty and the id everything. */
void aws_arn_split_resource(struct str resource, struct str *ret_type, struct str *ret_id);

/* S3's canonical user id of an account (12 digits): 52 hexadecimal digits of its hash, then the
 * account itself, so that it can be read back. */
#define AWS_CANONICAL_ID_SIZE 64
void aws_canonical_id(struct str account, char ret_id[static AWS_CANONICAL_ID_SIZE + 1]);
/* Lent by the id; empty: it is none. */
struct str aws_canonical_account(struct str canonical_id);
