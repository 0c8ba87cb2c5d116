#include "api/s3/s3_priv.h"

#include "aws/time.h"
#include "base/number.h"

struct err *s3_err(struct s3_call *call)
{
	return &call->exchange->err;
}

/* Kept strings are a list, so that lent ones never move. */
struct s3_kept {
	struct s3_kept *next;
	char bytes[];
};

struct str s3_keep(struct s3_call *call, struct str text)
{
	struct s3_kept *kept = mem_new(1, sizeof(*kept) + text.n + 1);

	if (text.n)
		memcpy(kept->bytes, text.p, text.n);
	kept->next = call->kept;
	call->kept = kept;
	return (struct str){kept->bytes, text.n};
}

void s3_kept_done(struct s3_call *call)
{
	for (struct s3_kept *kept = call->kept, *next; kept; kept = next) {
		next = kept->next;
		free(kept);
	}
	call->kept = NULL;
}

struct str s3_header(const struct s3_call *call, const char *name)
{
	struct aws_request request = {.headers = call->headers, .header_count = call->header_count};
	struct str value;

	return aws_request_header(&request, str_from(name), &value) ? value : STR_NONE;
}

struct str s3_parameter(const struct s3_call *call, const char *name)
{
	return api_parameter(call->exchange, str_from(name));
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-' || c == '_';
}

static bool is_name(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!is_name_char(text.p[i]))
			return false;
	return true;
}

int s3_check_bucket(struct str name, struct aws_error *error)
{
	if (name.n >= 3 && name.n <= 255 && is_name(name))
		return 0;
	aws_error_default(error, AWS_ERROR_INVALID_BUCKET_NAME);
	return aws_error_detail(error, "BucketName", "%.*s", STR_ARG(name));
}

int s3_check_version(
	const char *argument, struct str text, struct str version, struct aws_error *error)
{
	return version.n < STORE_VERSION_MAX && is_name(version)
		       ? 0
		       : s3_invalid_argument(error, argument, text, "Invalid version id specified");
}

void s3_set_time_header(struct s3_call *call, const char *name, int64_t ms)
{
	char text[AWS_TIME_STR_MAX];

	api_answer_header(call->exchange, name,
		(struct str){text, (size_t)(aws_time_write_http(text, ms) - text)});
}

void s3_xml(struct aws_xml_writer *writer, struct buf *buf, const char *root)
{
	aws_xml_begin(writer, buf);
	aws_xml_open_space(writer, root, S3_NAMESPACE);
}

int s3_answer_xml(struct s3_call *call, int status, struct aws_xml_writer *writer)
{
	aws_xml_end(writer);
	api_answer_bytes(call->exchange, status, "application/xml", writer->buf);
	return 0;
}

int s3_answer_empty(struct s3_call *call, int status)
{
	api_answer_empty(call->exchange, status);
	return 0;
}

int s3_invalid_argument(
	struct aws_error *error, const char *name, struct str value, const char *message)
{
	aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT, "%s", message);
	aws_error_detail(error, "ArgumentName", "%s", name);
	return aws_error_detail(error, "ArgumentValue", "%.*s", STR_ARG(value));
}

int s3_xml_parse(
	struct aws_xml **ret_document, struct str text, const char *root, struct aws_error *error)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;

	if (aws_xml_parse(&document, text, NULL) < 0 ||
		!str_equal(aws_xml_root(document)->name, str_from(root)))
		return aws_error_default(error, AWS_ERROR_MALFORMED_XML);
	*ret_document = take(document);
	return 0;
}

int s3_number_parameter(struct s3_call *call, const char *name, uint64_t fallback, uint64_t max,
	uint64_t *ret_value, struct aws_error *error)
{
	struct str text = s3_parameter(call, name);

	*ret_value = fallback;
	if (!text.n)
		return 0;
	if (!number_parse(text, INT32_MAX, ret_value)) {
		aws_error_set(error, AWS_ERROR_INVALID_ARGUMENT,
			"Provided %s not an integer or within integer range", name);
		aws_error_detail(error, "ArgumentName", "%s", name);
		return aws_error_detail(error, "ArgumentValue", "%.*s", STR_ARG(text));
	}
	if (*ret_value > max)
		*ret_value = max;
	return 0;
}

bool s3_is_utf8(struct str text)
{
	if (!text.n)
		return true;
	const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;

	while (p < end) {
		unsigned char c = *p++;
		int more = c < 0x80   ? 0
			   : c < 0xc2 ? -1
			   : c < 0xe0 ? 1
			   : c < 0xf0 ? 2
			   : c < 0xf5 ? 3
				      : -1;
		if (more < 0 || end - p < more)
			return false;
		if ((c == 0xe0 && *p < 0xa0) || (c == 0xed && *p > 0x9f) ||
			(c == 0xf0 && *p < 0x90) || (c == 0xf4 && *p > 0x8f))
			return false;
		for (; more; more--)
			if ((*p++ & 0xc0) != 0x80)
				return false;
	}
	return true;
}

void s3_xml_etag(struct aws_xml_writer *writer, const char *etag)
{
	char text[STORE_ETAG_MAX + 2];
	size_t n = strlen(etag);

	text[0] = '"';
	memcpy(text + 1, etag, n);
	text[n + 1] = '"';
	aws_xml_element(writer, "ETag", (struct str){text, n + 2});
}
