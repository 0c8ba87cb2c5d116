/* Headers that come with an object and go back with it. */
#include "api/s3/s3_priv.h"

#define META "x-amz-meta-"

static const char *const storage_classes[] = {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA",
	"ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
	"EXPRESS_ONEZONE"};

int s3_storage_class(struct str name, struct aws_error *error)
{
	for (size_t i = 0; i < ARRAY_SIZE(storage_classes); i++)
		if (str_equal(name, str_from(storage_classes[i])))
			return 0;
	aws_error_default(error, AWS_ERROR_INVALID_STORAGE_CLASS);
	return aws_error_detail(error, "StorageClassRequested", "%.*s", STR_ARG(name));
}

/* aws-chunked is undone already; what else the client used stays. */
static struct str without_aws_chunked(struct s3_call *call, struct str encoding)
{
	_cleanup_buf_ struct buf kept = {0};
	struct str one;

	if (!encoding.p)
		return STR("");
	bool is_spaced = memmem(encoding.p, encoding.n, ", ", 2) != NULL;
	while (str_split(&encoding, ',', &one)) {
		one = str_trim(one);
		if (!one.n || str_equal_ignoring_case(one, STR("aws-chunked")))
			continue;
		if (kept.n)
			buf_add_text(&kept, is_spaced ? ", " : ",");
		buf_add_str(&kept, one);
	}
	return s3_keep(call, buf_str(&kept));
}

static void add_lower(struct buf *buf, struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		buf_add_char(buf, (char)(c >= 'A' && c <= 'Z' ? c + 32 : c));
	}
}

static bool is_meta(struct str name)
{
	return name.n > sizeof(META) - 1 &&
	       str_equal_ignoring_case((struct str){name.p, sizeof(META) - 1}, STR(META));
}

/* One name given more than once is one value, with commas between, as RFC 9110 has it. */
static int read_user(struct s3_call *call, struct str *ret_user, struct aws_error *error)
{
	_cleanup_buf_ struct buf lines = {0};
	size_t size = 0;

	for (size_t i = 0; i < call->header_count; i++) {
		struct str name = call->headers[i].name;
		bool is_repeated = false;

		if (!is_meta(name))
			continue;
		for (size_t j = 0; j < i; j++)
			is_repeated |= str_equal_ignoring_case(call->headers[j].name, name);
		if (is_repeated)
			continue;
		add_lower(
			&lines, (struct str){name.p + sizeof(META) - 1, name.n - sizeof(META) + 1});
		buf_add_char(&lines, ':');
		for (size_t j = i; j < call->header_count; j++) {
			if (!str_equal_ignoring_case(call->headers[j].name, name))
				continue;
			if (j > i)
				buf_add_char(&lines, ',');
			buf_add_str(&lines, str_trim(call->headers[j].value));
		}
		buf_add_char(&lines, '\n');
		size = lines.n;
	}
	if (size > S3_METADATA_MAX + 256) {
		aws_error_default(error, AWS_ERROR_METADATA_TOO_LARGE);
		aws_error_detail(error, "Size", "%zu", size);
		return aws_error_detail(error, "MaxSizeAllowed", "%d", S3_METADATA_MAX);
	}
	*ret_user = s3_keep(call, buf_str(&lines));
	return 0;
}

static struct str text_of(const struct s3_call *call, const char *name)
{
	struct str text = s3_header(call, name);
	return text.p ? text : STR("");
}

int s3_headers_read(
	struct s3_call *call, struct store_headers *ret_headers, struct aws_error *error)
{
	struct store_headers headers = {
		.content_type = text_of(call, "content-type"),
		.content_encoding = without_aws_chunked(call, s3_header(call, "content-encoding")),
		.content_language = text_of(call, "content-language"),
		.content_disposition = text_of(call, "content-disposition"),
		.cache_control = text_of(call, "cache-control"),
		.expires = text_of(call, "expires"),
		.website_redirect = text_of(call, "x-amz-website-redirect-location"),
		.storage_class = text_of(call, "x-amz-storage-class"),
	};

	if (!headers.content_type.n)
		headers.content_type = STR("binary/octet-stream");
	if (headers.storage_class.n && s3_storage_class(headers.storage_class, error) < 0)
		return -1;
	if (str_equal(headers.storage_class, STR("STANDARD")))
		headers.storage_class = STR("");
	if (read_user(call, &headers.user, error) < 0)
		return -1;
	*ret_headers = headers;
	return 0;
}

/* A header of the object, unless response-* asks for another value. */
static void answer(struct s3_call *call, const char *name, const char *override, struct str value)
{
	struct str other = s3_parameter(call, override);

	if (other.n)
		value = other;
	if (value.n)
		api_answer_header(call->exchange, name, value);
}

void s3_headers_answer(struct s3_call *call, const struct store_object *object)
{
	const struct store_headers *headers = &object->headers;
	_cleanup_buf_ struct buf name = {0};
	struct str lines = headers->user, line, key;

	answer(call, "Content-Type", "response-content-type", headers->content_type);
	answer(call, "Content-Encoding", "response-content-encoding", headers->content_encoding);
	answer(call, "Content-Language", "response-content-language", headers->content_language);
	answer(call, "Content-Disposition", "response-content-disposition",
		headers->content_disposition);
	answer(call, "Cache-Control", "response-cache-control", headers->cache_control);
	answer(call, "Expires", "response-expires", headers->expires);
	if (headers->website_redirect.n)
		api_answer_header(call->exchange, "x-amz-website-redirect-location",
			headers->website_redirect);
	if (headers->storage_class.n)
		api_answer_header(call->exchange, "x-amz-storage-class", headers->storage_class);
	while (str_split(&lines, '\n', &line)) {
		if (!str_split(&line, ':', &key) || !key.n)
			continue;
		name.n = 0;
		buf_add_text(&name, META);
		buf_add_str(&name, key);
		/* libmicrohttpd sends no header without a value; clients trim the space off. */
		api_answer_header(
			call->exchange, s3_keep(call, buf_str(&name)).p, line.n ? line : STR(" "));
	}
}
