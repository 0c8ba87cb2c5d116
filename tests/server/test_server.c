/* The HTTP server with two services that show what arrived, for tests/server/http: "s3", which
 * begins by itself and streams, and "sts", whose bodies are kept whole. Two callers: root, and one
 * who may do nothing but s3:GetObject.
 * usage: test-server [--tls CERTIFICATE KEY] [NAME=NUMBER of a limit]...
 * Prints the endpoint, serves until SIGTERM, and exits 0 when all requests could finish. */
#include "api/server.h"
#include "aws/checksum.h"
#include "base/file.h"
#include "base/number.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#define ROOT_KEY    "AKIAIOSFODNN7EXAMPLE"
#define READER_KEY  "AKIAI44QH8DHBEXAMPLE"
#define SESSION_KEY "ASIAI44QH8DHBEXAMPLE"
#define SECRET      "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define ACCOUNT     "123456789012"

static const struct aws_policy *reader_policies[1];
static struct store_caller callers[3];

static struct store_caller *find_caller(void *context, struct str id)
{
	for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
		if (str_equal(callers[i].access_key_id, id))
			return &callers[i];
	return NULL;
}

static void unref_caller(struct store_caller *caller)
{
}

static void make_callers(void)
{
	static const char policy[] =
		"{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}}";
	struct aws_policy *parsed = NULL;

	if (aws_policy_parse(&parsed, str_from(policy), AWS_POLICY_IDENTITY, NULL) < 0)
		abort();
	reader_policies[0] = parsed;
	callers[0] = (struct store_caller){.access_key_id = STR(ROOT_KEY),
		.secret = STR(SECRET),
		.session_token = STR(""),
		.is_root = true,
		.is_active = true,
		.user_id = STR(ACCOUNT),
		.user_name = STR(""),
		.principal = {
			.arn = STR("arn:aws:iam::" ACCOUNT ":root"), .account = STR(ACCOUNT)}};
	callers[1] = (struct store_caller){.access_key_id = STR(READER_KEY),
		.secret = STR(SECRET),
		.session_token = STR(""),
		.is_active = true,
		.user_id = STR("AIDAEXAMPLE"),
		.user_name = STR("reader"),
		.principal = {.arn = STR("arn:aws:iam::" ACCOUNT ":user/reader"),
			.account = STR(ACCOUNT)},
		.policies = reader_policies,
		.policy_count = 1};
	callers[2] = callers[0];
	callers[2].access_key_id = STR(SESSION_KEY);
	callers[2].session_token = STR("TOKEN");
	callers[2].expires_ms = INT64_C(4102444800000);
}

/* ---- s3: PUT streams and says what came; GET sends as many bytes as its last part says ---- */

struct put {
	struct aws_hash hash;
	uint64_t bytes;
};

static int put_data(struct api_exchange *exchange, struct str bytes, struct aws_error *error)
{
	struct put *put = exchange->handler.state;

	aws_hash_add(&put->hash, bytes);
	put->bytes += bytes.n;
	return 0;
}

static int put_run(struct api_exchange *exchange, struct aws_error *error)
{
	struct put *put = exchange->handler.state;
	struct aws_checksum_value value;
	_cleanup_buf_ struct buf text = {0};
	char hex[64];

	aws_hash_finish(&put->hash, &value);
	aws_hex_write(hex, value.bytes, 32);
	buf_printf(&text, "%llu %.64s", (unsigned long long)put->bytes, hex);
	api_answer_header(exchange, "ETag", STR("\"abc\""));
	struct str trailer = api_trailer(exchange, STR("x-amz-checksum-crc32"));
	if (trailer.p)
		api_answer_header(exchange, "x-amz-checksum-crc32", trailer);
	api_answer_bytes(exchange, 200, "text/plain", &text);
	return 0;
}

static void put_end(struct api_exchange *exchange)
{
	struct put *put = exchange->handler.state;

	aws_hash_done(&put->hash);
	free(put);
}

static ssize_t stream_read(void *context, char *bytes, size_t n)
{
	uint64_t *left = context;
	size_t part = *left < n ? (size_t)*left : n;

	memset(bytes, 'x', part);
	*left -= part;
	return (ssize_t)part;
}

static uint64_t number_behind(struct str path)
{
	const char *slash = memrchr(path.p, '/', path.n);
	uint64_t number = 0;

	if (slash)
		number_parse((struct str){slash + 1, (size_t)(path.p + path.n - slash - 1)},
			INT64_MAX, &number);
	return number;
}

static int answer_file(struct api_exchange *exchange, uint64_t size)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size + 10) < 0)
		abort();
	api_answer_header(exchange, "ETag", STR("\"abc\""));
	api_answer_file(exchange, 200, fd, 10, (int64_t)size);
	return 0;
}

/* What the service saw of the request. */
static int answer_echo(struct api_exchange *exchange)
{
	_cleanup_buf_ struct buf text = {0};

	buf_add_str(&text, exchange->request.path);
	buf_add_char(&text, '\n');
	buf_add_str(&text, exchange->request.query);
	buf_add_char(&text, '\n');
	buf_add_str(&text, exchange->path);
	buf_add_char(&text, '\n');
	buf_add_str(&text, exchange->bucket_host);
	buf_add_char(&text, '\n');
	struct str prefix = api_parameter(exchange, STR("prefix"));
	buf_add_str(&text, prefix.p ? prefix : STR("none"));
	api_answer_bytes(exchange, 200, "text/plain", &text);
	return 0;
}

static int get_run(struct api_exchange *exchange, struct aws_error *error)
{
	struct str path = exchange->path;
	uint64_t size = number_behind(path);

	if (str_starts_with(path, STR("/file/")))
		return answer_file(exchange, size);
	if (str_starts_with(path, STR("/sleep/"))) {
		const struct timespec time = {
			.tv_sec = (time_t)(size / 1000), .tv_nsec = (long)(size % 1000) * 1000000};
		nanosleep(&time, NULL);
		api_answer_empty(exchange, 204);
		return 0;
	}
	if (str_starts_with(path, STR("/stream/")) || str_starts_with(path, STR("/quick/"))) {
		uint64_t *left = mem_new(1, sizeof(*left));
		*left = size;
		const struct api_stream stream = {.read = stream_read,
			.end = free,
			.context = left,
			.length = str_starts_with(path, STR("/stream/")) ? -1 : (int64_t)size,
			.is_quick = !str_starts_with(path, STR("/stream/"))};
		api_answer_stream(exchange, 200, "application/octet-stream", &stream);
		return 0;
	}
	if (str_starts_with(path, STR("/missing"))) {
		aws_error_default(error, AWS_ERROR_NO_SUCH_KEY);
		return aws_error_detail(error, "Key", "missing");
	}
	if (str_starts_with(path, STR("/broken"))) {
		err_set(&exchange->err, ERR_SYSTEM, "the disk is on fire");
		return aws_error_internal(error);
	}
	return answer_echo(exchange);
}

static int s3_begin(struct api_exchange *exchange, struct aws_error *error)
{
	struct str method = exchange->request.method;

	if (str_equal(method, STR("PUT"))) {
		exchange->operation = "PutObject";
		if (api_authorize(exchange, STR("s3:PutObject"), STR("arn:aws:s3:::b/k"), NULL,
			    STR(""), NULL, 0, error) < 0)
			return -1;
		struct put *put = mem_new(1, sizeof(*put));
		aws_hash_init(&put->hash, AWS_CHECKSUM_SHA256);
		exchange->handler = (struct api_handler){.body = API_BODY_STREAM,
			.body_max = UINT64_C(6) << 30,
			.data = put_data,
			.run = put_run,
			.end = put_end,
			.state = put};
		return 0;
	}
	exchange->operation = str_equal(method, STR("HEAD")) ? "HeadObject" : "GetObject";
	exchange->handler = (struct api_handler){
		.run = get_run, .is_quick = str_starts_with(exchange->path, STR("/file/"))};
	return api_authorize(exchange, STR("s3:GetObject"), STR("arn:aws:s3:::b/k"), NULL, STR(""),
		NULL, 0, error);
}

/* ---- sts: says who asks and what the body was ---- */

static int sts_run(struct api_exchange *exchange, struct aws_error *error)
{
	_cleanup_buf_ struct buf text = {0};

	buf_printf(&text, "<who>%.*s</who>",
		exchange->caller ? (int)exchange->caller->principal.arn.n : 0,
		exchange->caller ? exchange->caller->principal.arn.p : "");
	buf_add_str(&text, buf_str(&exchange->body));
	api_answer_bytes(exchange, 200, "text/xml", &text);
	return 0;
}

static int sts_begin(struct api_exchange *exchange, struct aws_error *error)
{
	exchange->operation = "GetCallerIdentity";
	exchange->handler =
		(struct api_handler){.body = API_BODY_WHOLE, .body_max = 1 << 20, .run = sts_run};
	return 0;
}

/* ---- main ---- */

static void set_limit(struct api_limits *limits, const char *argument)
{
	const struct {
		const char *name;
		uint64_t *value;
	} names[] = {
		{"header", &limits->header_bytes},
		{"connections", &limits->connections},
		{"idle", &limits->idle_seconds},
		{"rate", &limits->body_rate},
		{"drain", &limits->drain_seconds},
		{"workers", &limits->workers},
	};
	const char *sign = strchr(argument, '=');

	for (size_t i = 0; sign && i < ARRAY_SIZE(names); i++)
		if (strncmp(names[i].name, argument, (size_t)(sign - argument)) == 0)
			number_parse(str_from(sign + 1), UINT64_MAX, names[i].value);
}

static int serve(const struct api_server_settings *settings)
{
	struct err err = ERR_INIT;
	_cleanup_(api_server_freep) struct api_server *server = NULL;
	sigset_t stop;
	int signal;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	if (api_server_start(&server, settings, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	printf("%s\n", api_server_endpoint(server));
	fflush(stdout);
	sigwait(&stop, &signal);
	return api_server_stop(server) ? 0 : 3;
}

int main(int argc, char **argv)
{
	static const char *const s3_names[] = {"s3", NULL}, *const sts_names[] = {"sts", NULL};
	static const struct api_service s3 = {
		.name = "s3", .signing_names = s3_names, .style = AWS_STYLE_S3, .begin = s3_begin};
	static const struct api_service sts = {.name = "sts",
		.signing_names = sts_names,
		.style = AWS_STYLE_QUERY,
		.begin = sts_begin};
	static const struct api_service *const services[] = {&s3, &sts, NULL};
	static const char *const domains[] = {"s3.example.com", NULL};
	struct api_server_settings settings = {.listen = "127.0.0.1:0",
		.account = ACCOUNT,
		.region = "us-east-1",
		.domains = domains,
		.services = services,
		.callers = {NULL, find_caller, unref_caller},
		.access_log = STDERR_FILENO};
	struct buf certificate = {0}, key = {0};

	make_callers();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--tls") != 0 || i + 2 >= argc) {
			set_limit(&settings.limits, argv[i]);
			continue;
		}
		if (file_read(argv[++i], 65536, &certificate, NULL) < 0 ||
			file_read(argv[++i], 65536, &key, NULL) < 0)
			return 2;
		settings.certificate = buf_text(&certificate);
		settings.key = buf_text(&key);
	}
	int status = serve(&settings);
	buf_done(&certificate);
	buf_done(&key);
	aws_policy_free((struct aws_policy *)reader_policies[0]);
	return status;
}
