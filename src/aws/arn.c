#include "aws/arn.h"

#include "aws/digest.h"

#include <assert.h>

#define ACCOUNT_SIZE 12

bool aws_arn_parse(struct str text, struct aws_arn *ret_arn)
{
	struct str rest = text, prefix;
	struct aws_arn arn;

	if (text.n > AWS_ARN_MAX || !str_split(&rest, ':', &prefix) ||
		!str_equal(prefix, STR("arn")))
		return false;
	if (!str_split(&rest, ':', &arn.partition) || !str_split(&rest, ':', &arn.service) ||
		!str_split(&rest, ':', &arn.region) || !str_split(&rest, ':', &arn.account))
		return false;
	if (!rest.n || !arn.partition.n || !arn.service.n)
		return false;
	arn.resource = rest;
	*ret_arn = arn;
	return true;
}

void aws_arn_add(struct buf *buf, const struct aws_arn *arn)
{
	const struct str parts[] = {
		arn->partition, arn->service, arn->region, arn->account, arn->resource};

	buf_add_text(buf, "arn");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		buf_add_char(buf, ':');
		buf_add_str(buf, parts[i]);
	}
}

void aws_arn_split_resource(struct str resource, struct str *ret_type, struct str *ret_id)
{
	for (size_t i = 0; i < resource.n; i++) {
		if (resource.p[i] == '/' || resource.p[i] == ':') {
			*ret_type = (struct str){resource.p, i};
			*ret_id = (struct str){resource.p + i + 1, resource.n - i - 1};
			return;
		}
	}
	*ret_type = STR("");
	*ret_id = resource;
}

static_assert(AWS_CANONICAL_ID_SIZE == AWS_SHA256_HEX, "its first digits are the hash's");

void aws_canonical_id(struct str account, char ret_id[static AWS_CANONICAL_ID_SIZE + 1])
{
	uint8_t hash[AWS_SHA256_SIZE];
	size_t n = account.n < ACCOUNT_SIZE ? account.n : ACCOUNT_SIZE;

	aws_sha256(account, hash);
	aws_hex_write(ret_id, hash, sizeof(hash));
	if (n)
		memcpy(ret_id + AWS_CANONICAL_ID_SIZE - n, account.p, n);
	ret_id[AWS_CANONICAL_ID_SIZE] = '\0';
}

struct str aws_canonical_account(struct str canonical_id)
{
	return canonical_id.n == AWS_CANONICAL_ID_SIZE
		       ? (struct str){canonical_id.p + AWS_CANONICAL_ID_SIZE - ACCOUNT_SIZE,
				 ACCOUNT_SIZE}
		       : STR("");
}
