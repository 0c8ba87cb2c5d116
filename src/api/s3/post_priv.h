/* post_priv: a POST form as it comes in: its fields, then the file's bytes, and its policy. */
#pragma once

#include "api/s3/s3_priv.h"

#define S3_FORM_FIELDS_MAX 64
#define S3_FORM_BYTES_MAX  (20 << 10) /* of all fields before the file */

struct s3_form_field {
	struct str name, value;
	bool is_covered; /* by a condition of the policy */
};

struct s3_form {
	struct str bucket;
	struct s3_form_field fields[S3_FORM_FIELDS_MAX];
	size_t count;
	int64_t min, max; /* content-length-range */
};

struct str s3_form_field(const struct s3_form *form, struct str name); /* STR_NONE: none */
/* The decoded policy against the form; sets min and max. */
int s3_post_policy_check(
	struct s3_form *form, struct str json, int64_t now_ms, struct aws_error *error);

/* multipart/form-data (RFC 7578), as it comes. Whoever feeds it gets the fields whole and the file
 * in pieces. */
enum s3_form_state { S3_FORM_PREAMBLE, S3_FORM_HEADERS, S3_FORM_FIELD, S3_FORM_FILE, S3_FORM_END };
struct s3_form_parser {
	enum s3_form_state state;
	struct buf delimiter; /* "\r\n--BOUNDARY" */
	struct buf pending;
	struct buf name, file_name;
	size_t bytes; /* of fields */
	int (*field)(void *context, struct str name, struct str value, struct aws_error *error);
	int (*file)(void *context, struct str file_name, struct aws_error *error); /* begins */
	int (*data)(void *context, struct str bytes, struct aws_error *error);
	void *context;
};
/* content_type: the request's, with the boundary. */
int s3_form_init(struct s3_form_parser *parser, struct str content_type, struct aws_error *error);
int s3_form_feed(struct s3_form_parser *parser, struct str bytes, struct aws_error *error);
void s3_form_done(struct s3_form_parser *parser);
