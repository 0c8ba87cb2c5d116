/* lifecycle_priv: lifecycle rules as lifecycle.c reads them and lifecycle_run.c carries them out.
 */
#pragma once

#include "api/s3/s3_priv.h"

#define S3_DAY_MS      INT64_C(86400000)
#define S3_RULES_MAX   1000
#define S3_RULE_ID_MAX 255

struct s3_rule {
	struct str id, prefix; /* lent by the document */
	struct buf tags;       /* URL-encoded; all must be there */
	int64_t larger_than, smaller_than;
	bool is_enabled, expires_markers;
	int64_t days, date_ms; /* 0: none */
	int64_t noncurrent_days, newer_noncurrent, abort_days;
};

struct s3_lifecycle {
	struct aws_xml *document;
	struct s3_rule *rules;
	size_t count;
};
MEM_DEFINE_CLEANUP(struct s3_lifecycle, s3_lifecycle_free)

bool s3_rule_fits(const struct s3_rule *rule, struct str key, int64_t size, struct str tags);
/* When `days` after a moment are over. */
int64_t s3_rule_due(const struct s3_rule *rule, int64_t since_ms, int64_t days, int64_t day_ms);
