/* What of a request the services see. Header names and values are libmicrohttpd's and live until
 * the request is completed; the request line is copied before libmicrohttpd takes it apart. */
#include "api/http/http_priv.h"

#include "aws/digest.h"
#include "aws/uri.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/number.h"

#include <stdio.h>

#define HEADER_GAP_MAX 16384 /* as long as all headers may be */

struct request *request_new(struct api_server *server, struct client *client, const char *uri)
{
	struct request *request = mem_new(1, sizeof(*request));

	request->server = server;
	request->client = client;
	request->exchange.server = server;
	request->exchange.is_tls = server->is_tls;
	request->exchange.content_length = -1;
	request->uri = mem_strdup(uri);
	request->started_ns = clock_mono_ns();
	request->exchange.started_ms = clock_wall_ns() / 1000000;
	if (client)
		memcpy(request->exchange.peer, client->address, sizeof(client->address));
	return request;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	body_done(&request->body);
	answer_done(&request->answer);
	aws_signature_done(&request->exchange.signature);
	if (request->exchange.caller)
		request->server->settings.callers.unref(request->exchange.caller);
	buf_done(&request->exchange.body);
	for (struct note *note = request->notes, *next; note; note = next) {
		next = note->next;
		free(note);
	}
	free(request->headers);
	free(request->uri);
	free(request);
}

char *request_note(struct request *request, size_t size)
{
	struct note *note = mem_new(1, sizeof(*note) + size);

	note->next = request->notes;
	request->notes = note;
	return note->bytes;
}

struct str request_decode(struct request *request, struct str text, bool plus_is_space)
{
	_cleanup_buf_ struct buf decoded = {0};

	if (!text.n)
		return STR("");
	if (!memchr(text.p, '%', text.n) && !(plus_is_space && memchr(text.p, '+', text.n)))
		return text;
	if (!aws_uri_decode(
		    &decoded, text, plus_is_space ? AWS_URI_PLUS_IS_SPACE : AWS_URI_PLUS_IS_PLUS))
		return STR_NONE;
	char *bytes = request_note(request, decoded.n + 1);
	memcpy(bytes, decoded.n ? decoded.p : "", decoded.n);
	return (struct str){bytes, decoded.n};
}

/* ---- ids ---- */

/* Unique and not to be guessed from one another; no secrets hang on them. */
static void random_bytes(void *ret_bytes, size_t n)
{
	static _Thread_local uint64_t seed[2], counter;
	unsigned char *p = ret_bytes;

	if (!counter)
		aws_random(seed, sizeof(seed));
	while (n) {
		uint64_t word = hash_mix(hash_mix(seed[0], ++counter), seed[1]);
		size_t part = n < sizeof(word) ? n : sizeof(word);
		memcpy(p, &word, part);
		p += part;
		n -= part;
	}
}

void request_make_ids(struct request *request)
{
	static const char letters[] = "ABCDEFGHJKMNPQRSTVWXYZ0123456789"; /* 32 of them */
	struct api_exchange *exchange = &request->exchange;
	uint8_t bytes[HOST_ID_SIZE / 4 * 3];

	random_bytes(bytes, sizeof(bytes));
	if (error_style(request) == AWS_STYLE_S3) {
		for (int i = 0; i < 16; i++)
			exchange->request_id[i] = letters[bytes[i] % 32];
		exchange->request_id[16] = '\0';
		random_bytes(bytes, sizeof(bytes));
		*aws_base64_write(request->host_id, bytes, sizeof(bytes)) = '\0';
		return;
	}
	bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40); /* RFC 9562: version 4 */
	bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
	char hex[32];
	aws_hex_write(hex, bytes, 16);
	snprintf(exchange->request_id, sizeof(exchange->request_id), "%.8s-%.4s-%.4s-%.4s-%.12s",
		hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* ---- headers ---- */

/* A value stands behind its name with only what parts them between. libmicrohttpd (0.9.75) puts a
 * line that goes on with the one before (obs-fold) into a copy, and behind the name: "Content-: 5"
 * and " Length" would be a Content-Length that no other server sees. */
static bool is_as_sent(struct str name, struct str value)
{
	uintptr_t end = (uintptr_t)name.p + name.n, start = (uintptr_t)value.p;

	if (!value.p)
		return true;
	if (start < end || start - end > HEADER_GAP_MAX)
		return false;
	for (const char *p = name.p + name.n; p < value.p; p++)
		if (*p && *p != ':' && *p != ' ' && *p != '\t')
			return false;
	return true;
}

static enum MHD_Result add_header(void *context, enum MHD_ValueKind kind, const char *name,
	size_t name_size, const char *value, size_t value_size)
{
	struct request *request = context;
	struct aws_request *all = &request->exchange.request;

	if (all->header_count == REQUEST_HEADERS_MAX)
		return MHD_NO;
	request->is_folded |=
		!is_as_sent((struct str){name, name_size}, (struct str){value, value_size});
	request->headers[all->header_count++] = (struct aws_header){
		{name, name_size}, value ? (struct str){value, value_size} : STR("")};
	return MHD_YES;
}

static int read_headers(struct request *request, struct aws_error *error)
{
	int count = MHD_get_connection_values(request->connection, MHD_HEADER_KIND, NULL, NULL);
	size_t room = count > 0 ? (size_t)count : 0;

	if (room > REQUEST_HEADERS_MAX)
		return aws_error_default(error, AWS_ERROR_REQUEST_HEADER_SECTION_TOO_LARGE);
	request->headers = mem_new(room + 1, sizeof(*request->headers));
	request->exchange.request.headers = request->headers;
	MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, add_header, request);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (info && info->header_size > request->server->settings.limits.header_bytes) {
		aws_error_default(error, AWS_ERROR_REQUEST_HEADER_SECTION_TOO_LARGE);
		return aws_error_detail(error, "MaxSizeAllowed", "%llu",
			(unsigned long long)request->server->settings.limits.header_bytes);
	}
	return 0;
}

/* Path and query of the request line as they are; of the absolute form, what is behind the host. */
static void split_uri(struct request *request)
{
	struct aws_request *read = &request->exchange.request;
	struct str rest = str_from(request->uri);

	for (int i = 0; i < 2; i++) {
		struct str scheme = i ? STR("https://") : STR("http://");
		if (!str_starts_with(rest, scheme))
			continue;
		struct str host = {rest.p + scheme.n, rest.n - scheme.n};
		const char *slash = memchr(host.p, '/', host.n);
		rest = slash ? (struct str){slash, (size_t)(host.p + host.n - slash)} : STR("/");
		break;
	}
	const char *mark = rest.n ? memchr(rest.p, '?', rest.n) : NULL;
	read->path = mark ? (struct str){rest.p, (size_t)(mark - rest.p)} : rest;
	read->query = mark ? (struct str){mark + 1, rest.n - read->path.n - 1} : STR("");
}

/* A token of RFC 9110: no space, control or separator. */
static bool is_token(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] >= 0x7f ||
			strchr("(),/:;<=>?@[\\]{}\"", text.p[i]))
			return false;
	return text.n > 0;
}

static bool is_uri(const struct request *request)
{
	const char *uri = request->uri;

	for (size_t i = 0; uri[i]; i++)
		if ((unsigned char)uri[i] <= ' ' || uri[i] == 0x7f)
			return false;
	return request->exchange.request.path.n &&
	       (request->exchange.request.path.p[0] == '/' || strcmp(uri, "*") == 0);
}

/* What another server on the way could read as another request (RFC 9112, sections 2.3, 3.2 and
 * 5.1) is refused; so is a second header where only one is looked at. */
static int check_lines(struct request *request, const char *version, struct aws_error *error)
{
	const struct aws_request *read = &request->exchange.request;
	unsigned hosts = 0, authorizations = 0;

	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return aws_error_set(
			error, AWS_ERROR_INVALID_REQUEST, "The version of HTTP is not supported.");
	if (request->is_folded)
		return aws_error_set(
			error, AWS_ERROR_INVALID_REQUEST, "A header is folded into two lines.");
	if (!is_token(read->method) || !is_uri(request))
		return aws_error_default(error, AWS_ERROR_INVALID_URI);
	for (size_t i = 0; i < read->header_count; i++) {
		struct str name = read->headers[i].name;
		if (!is_token(name))
			return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
				"The name of a header is malformed.");
		hosts += str_equal_ignoring_case(name, STR("host"));
		authorizations += str_equal_ignoring_case(name, STR("authorization"));
	}
	if (hosts > 1 || authorizations > 1)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST, "There are two %s headers.",
			hosts > 1 ? "Host" : "Authorization");
	return 0;
}

/* How long the body is on the wire. Two ways of saying it, or two lengths, are how requests are
 * smuggled past other servers: refused. */
static int read_length(struct request *request, struct aws_error *error)
{
	const struct aws_request *read = &request->exchange.request;
	struct str length = STR_NONE, coding = STR_NONE;

	for (size_t i = 0; i < read->header_count; i++) {
		struct str name = read->headers[i].name;
		struct str value = str_trim(read->headers[i].value);
		if (str_equal_ignoring_case(name, STR("content-length"))) {
			if (length.p && !str_equal(length, value))
				return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
					"Two Content-Length headers that differ");
			length = value;
		} else if (str_equal_ignoring_case(name, STR("transfer-encoding"))) {
			if (coding.p || !str_equal_ignoring_case(value, STR("chunked"))) {
				aws_error_default(error, AWS_ERROR_NOT_IMPLEMENTED);
				aws_error_detail(error, "Header", "Transfer-Encoding");
				return -1;
			}
			coding = value;
		}
	}
	if (coding.p && length.p)
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"Content-Length and Transfer-Encoding in one request");
	if (coding.p)
		request->expected = UINT64_MAX;
	else if (length.p && !number_parse(length, INT64_MAX, &request->expected))
		return aws_error_set(error, AWS_ERROR_INVALID_REQUEST,
			"The Content-Length header is not a number");
	if (length.p)
		request->exchange.content_length = (int64_t)request->expected;
	return 0;
}

int request_read(
	struct request *request, const char *method, const char *version, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;

	request->version = version;
	exchange->request.method = str_from(method);
	split_uri(request);
	exchange->path = exchange->request.path; /* until it can be decoded */
	if (read_headers(request, error) < 0)
		return -1;
	struct str expect = api_header(exchange, STR("expect"));
	request->has_expect = expect.n && str_equal_ignoring_case(expect, STR("100-continue")) &&
			      strcmp(version, "HTTP/1.0") != 0;
	if (check_lines(request, version, error) < 0 || read_length(request, error) < 0) {
		request->answer.must_close = true;
		return -1;
	}
	struct str host = api_header(exchange, STR("host"));
	if (host.p)
		exchange->bucket_host = dispatch_bucket(
			request->server->domains, request->server->domain_count, host);
	if (exchange->request.path.n + exchange->request.query.n >
		request->server->settings.limits.uri_bytes)
		return aws_error_set(
			error, AWS_ERROR_INVALID_URI, "The specified URI is too long.");
	struct str decoded = request_decode(request, exchange->request.path, false);
	if (!decoded.p) {
		aws_error_default(error, AWS_ERROR_INVALID_URI);
		return aws_error_detail(error, "URI", "%.*s",
			(int)(exchange->request.path.n < 200 ? exchange->request.path.n : 200),
			exchange->request.path.p);
	}
	exchange->path = decoded;
	return 0;
}

/* ---- what services ask ---- */

struct str api_parameter(struct api_exchange *exchange, struct str name)
{
	struct str raw;

	if (!aws_request_parameter(&exchange->request, name, &raw))
		return STR_NONE;
	struct str value = request_decode(request_of(exchange), raw, true);
	return value.p ? value : raw; /* a malformed one is itself, as S3 has it */
}

struct str api_header(const struct api_exchange *exchange, struct str name)
{
	struct str value;

	if (!aws_request_header(&exchange->request, name, &value))
		return STR_NONE;
	return value.p ? value : STR("");
}

struct str api_trailer(const struct api_exchange *exchange, struct str name)
{
	const struct request *request = (const struct request *)exchange;
	struct str value;

	if (!request->body.chunked || !aws_chunked_trailer(request->body.chunked, name, &value))
		return STR_NONE;
	return value;
}
