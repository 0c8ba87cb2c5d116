#include "aws/sigv4_priv.h"

#include "aws/digest.h"
#include "aws/time.h"
#include "aws/uri.h"

#define PARAMETERS_MAX 1000 /* more in one query are not sorted: such a signature cannot match */

/* A name and a value in the text of struct pairs; offsets, because the text moves as it grows. */
struct pair {
	size_t name, name_length, value, value_length;
};

struct pairs {
	struct buf text;
	struct pair *list;
	size_t count;
};

static void pairs_done(struct pairs *pairs)
{
	buf_done(&pairs->text);
	free(pairs->list);
}

static int compare_bytes(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t shorter = a_length < b_length ? a_length : b_length;
	int order = shorter ? memcmp(a, b, shorter) : 0;

	return order ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_pairs(const void *left, const void *right, void *text)
{
	const struct pair *a = left, *b = right;
	const char *p = text;
	int order = compare_bytes(p + a->name, a->name_length, p + b->name, b->name_length);

	return order ? order
		     : compare_bytes(p + a->value, a->value_length, p + b->value, b->value_length);
}

bool sigv4_is_s3(struct str service)
{
	return str_equal(service, STR("s3")) || str_equal(service, STR("s3express")) ||
	       str_equal(service, STR("s3-outposts")) ||
	       str_equal(service, STR("s3-object-lambda"));
}

bool sigv4_lists(struct str signed_headers, struct str name)
{
	struct str part;

	while (str_split(&signed_headers, ';', &part))
		if (str_equal_ignoring_case(part, name))
			return true;
	return false;
}

const char *sigv4_payload_text(enum aws_payload payload)
{
	static const char *const texts[SIGV4_PAYLOADS] = {
		[AWS_PAYLOAD_UNSIGNED] = "UNSIGNED-PAYLOAD",
		[AWS_PAYLOAD_SIGNED_CHUNKS] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		[AWS_PAYLOAD_SIGNED_CHUNKS_TRAILER] = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
		[AWS_PAYLOAD_UNSIGNED_CHUNKS_TRAILER] = "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
	};

	return texts[payload];
}

void sigv4_add_lower(struct buf *buf, struct str text)
{
	char *p = buf_reserve(buf, text.n);

	for (size_t i = 0; i < text.n; i++)
		p[i] = (char)(text.p[i] >= 'A' && text.p[i] <= 'Z' ? text.p[i] | 0x20 : text.p[i]);
	buf->n += text.n;
}

/* Decoded and encoded again, so that "%7e", "%7E" and "~" are the same. */
static void add_again(
	struct buf *buf, struct str encoded, enum aws_uri_slash slash, enum aws_uri_plus plus)
{
	_cleanup_buf_ struct buf decoded = {0};

	if (aws_uri_decode(&decoded, encoded, plus))
		aws_uri_encode(buf, buf_str(&decoded), slash);
	else
		buf_add_str(buf, encoded);
}

/* RFC 3986, section 5.2.4, with empty segments left out too. */
static void add_normalized(struct buf *buf, struct str path)
{
	struct str rest = path, segment, last = STR("");
	size_t start = buf->n;

	while (str_split(&rest, '/', &segment)) {
		last = segment;
		if (segment.n == 0 || str_equal(segment, STR(".")))
			continue;
		if (str_equal(segment, STR(".."))) {
			while (buf->n > start && buf->p[--buf->n] != '/')
				;
			continue;
		}
		buf_add_char(buf, '/');
		buf_add_str(buf, segment);
	}
	bool is_folder = last.n == 0 || str_equal(last, STR(".")) || str_equal(last, STR(".."));
	if (buf->n == start || (is_folder && buf->p[buf->n - 1] != '/'))
		buf_add_char(buf, '/');
}

static void add_path(
	const struct aws_request *request, const struct sigv4_what *what, struct buf *buf)
{
	_cleanup_buf_ struct buf normalized = {0};
	struct str path = request->path.n ? request->path : STR("/");

	if (what->is_s3) {
		if (what->reading & SIGV4_PATH_AS_SENT)
			buf_add_str(buf, path);
		else
			add_again(buf, path, AWS_URI_KEEP_SLASH, AWS_URI_PLUS_IS_PLUS);
		return;
	}
	if (what->reading & SIGV4_PATH_AS_SENT) {
		aws_uri_encode(buf, path, AWS_URI_KEEP_SLASH);
		return;
	}
	add_normalized(&normalized, path);
	aws_uri_encode(buf, buf_str(&normalized), AWS_URI_KEEP_SLASH);
}

static bool is_left_out(const struct sigv4_what *what, struct str name)
{
	return what->is_presigned && (str_equal(name, STR("X-Amz-Signature")) ||
					     (what->reading & SIGV4_WITHOUT_TOKEN &&
						     str_equal(name, STR("X-Amz-Security-Token"))));
}

static void add_query_as_sent(
	const struct aws_request *request, const struct sigv4_what *what, struct buf *buf)
{
	struct str rest = request->query, name, value;
	size_t start = buf->n;

	if (!what->is_presigned) {
		buf_add_str(buf, request->query);
		return;
	}
	while (aws_uri_next_parameter(&rest, &name, &value)) {
		if (is_left_out(what, name))
			continue;
		if (buf->n > start)
			buf_add_char(buf, '&');
		buf_add_str(buf, name);
		buf_add_char(buf, '=');
		buf_add_str(buf, value);
	}
}

static void add_query(
	const struct aws_request *request, const struct sigv4_what *what, struct buf *buf)
{
	_cleanup_(pairs_done) struct pairs pairs = {0};
	struct str rest = request->query, name, value;

	if (what->reading & SIGV4_QUERY_AS_SENT) {
		add_query_as_sent(request, what, buf);
		return;
	}
	while (pairs.count < PARAMETERS_MAX && aws_uri_next_parameter(&rest, &name, &value)) {
		struct pair pair;
		if (is_left_out(what, name))
			continue;
		pair.name = pairs.text.n;
		add_again(&pairs.text, name, AWS_URI_ENCODE_SLASH, AWS_URI_PLUS_IS_SPACE);
		pair.name_length = pairs.text.n - pair.name;
		pair.value = pairs.text.n;
		add_again(&pairs.text, value, AWS_URI_ENCODE_SLASH, AWS_URI_PLUS_IS_SPACE);
		pair.value_length = pairs.text.n - pair.value;
		if (pairs.count % 8 == 0)
			pairs.list = mem_grow(pairs.list, pairs.count + 8, sizeof(*pairs.list));
		pairs.list[pairs.count++] = pair;
	}
	if (pairs.count)
		qsort_r(pairs.list, pairs.count, sizeof(*pairs.list), compare_pairs, pairs.text.p);
	for (size_t i = 0; i < pairs.count; i++) {
		const struct pair *pair = &pairs.list[i];
		if (i)
			buf_add_char(buf, '&');
		buf_add(buf, pairs.text.p + pair->name, pair->name_length);
		buf_add_char(buf, '=');
		buf_add(buf, pairs.text.p + pair->value, pair->value_length);
	}
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Trimmed, runs of white space (line folding among it) one space. */
static void add_header_value(struct buf *buf, struct str value)
{
	size_t start = buf->n;
	bool pending = false;

	for (size_t i = 0; i < value.n; i++) {
		if (is_space(value.p[i])) {
			pending = buf->n > start;
			continue;
		}
		if (pending)
			buf_add_char(buf, ' ');
		pending = false;
		buf_add_char(buf, value.p[i]);
	}
}

/* All headers of the name, in the order sent, as one line. */
static bool add_header(const struct aws_request *request, struct str name, struct buf *buf)
{
	bool found = false;

	sigv4_add_lower(buf, name);
	buf_add_char(buf, ':');
	for (size_t i = 0; i < request->header_count; i++) {
		if (!str_equal_ignoring_case(request->headers[i].name, name))
			continue;
		if (found)
			buf_add_char(buf, ',');
		add_header_value(buf, request->headers[i].value);
		found = true;
	}
	buf_add_char(buf, '\n');
	return found;
}

bool sigv4_canonical_request(
	const struct aws_request *request, const struct sigv4_what *what, struct buf *buf)
{
	struct str rest = what->signed_headers, name;

	buf_add_str(buf, request->method);
	buf_add_char(buf, '\n');
	add_path(request, what, buf);
	buf_add_char(buf, '\n');
	add_query(request, what, buf);
	buf_add_char(buf, '\n');
	while (str_split(&rest, ';', &name))
		if (!add_header(request, name, buf))
			return false;
	buf_add_char(buf, '\n');
	buf_add_str(buf, what->signed_headers);
	buf_add_char(buf, '\n');
	buf_add_str(buf, what->payload_hash);
	return true;
}

void sigv4_string_to_sign(
	int64_t date_ms, struct str scope, struct str canonical_request, struct buf *buf)
{
	uint8_t hash[AWS_SHA256_SIZE];
	char *p;

	aws_sha256(canonical_request, hash);
	buf_add_text(buf, "AWS4-HMAC-SHA256\n");
	p = aws_time_write_basic(buf_reserve(buf, AWS_TIME_STR_MAX), date_ms);
	buf->n = (size_t)(p - buf->p);
	buf_add_char(buf, '\n');
	buf_add_str(buf, scope);
	buf_add_char(buf, '\n');
	p = aws_hex_write(buf_reserve(buf, AWS_SHA256_HEX), hash, sizeof(hash));
	buf->n = (size_t)(p - buf->p);
}

void sigv4_add_scope(struct buf *buf, struct str date, struct str region, struct str service)
{
	buf_add_str(buf, date);
	buf_add_char(buf, '/');
	buf_add_str(buf, region);
	buf_add_char(buf, '/');
	buf_add_str(buf, service);
	buf_add_text(buf, "/aws4_request");
}

void sigv4_sign(
	const uint8_t key[static 32], struct str string_to_sign, char ret_signature[static 64])
{
	uint8_t mac[AWS_SHA256_SIZE];

	aws_hmac_sha256((struct str){(const char *)key, 32}, string_to_sign, mac);
	aws_hex_write(ret_signature, mac, sizeof(mac));
}
