/* The life of a call: begin finds the operation, the bucket and who may, run does it.
 * Operations whose permission hangs on the object itself (its ACL, its tags) are authorised in run,
 * on a worker, because the object must be looked up first; all others before the body is read. */
#include "api/s3/s3_priv.h"

#include <inttypes.h>
#include <stdio.h>

static bool has_parameter(void *context, struct str name)
{
	return api_parameter(context, name).p != NULL;
}

static bool has_header(void *context, struct str name)
{
	return api_header(context, name).p != NULL;
}

static void call_end(struct api_exchange *exchange)
{
	struct s3_call *call = exchange->handler.state;

	if (!call)
		return;
	exchange->handler.state = NULL;
	if (call->more_free)
		call->more_free(call->more);
	if (call->fd >= 0)
		close(call->fd);
	aws_hash_done(&call->hash);
	store_draft_free(call->draft);
	store_object_done(&call->object);
	store_upload_done(&call->upload);
	s3_bucket_unref(call->info);
	s3_kept_done(call);
	free(call);
}

/* "/bucket/key" or, for a virtual-host-style request, "/key". */
static void split_path(struct s3_call *call)
{
	struct str path = call->exchange->path;

	call->key = STR("");
	if (path.n && path.p[0] == '/')
		path = (struct str){path.p + 1, path.n - 1};
	if (call->exchange->bucket_host.n) {
		call->bucket = call->exchange->bucket_host;
		call->key = path;
		return;
	}
	const char *slash = path.n ? memchr(path.p, '/', path.n) : NULL;
	call->bucket = (struct str){path.p, slash ? (size_t)(slash - path.p) : path.n};
	if (slash)
		call->key = (struct str){slash + 1, path.n - call->bucket.n - 1};
}

/* A key is UTF-8 text without NUL. */
int s3_check_key(struct str key, struct aws_error *error)
{
	if (key.n > STORE_KEY_MAX) {
		aws_error_default(error, AWS_ERROR_KEY_TOO_LONG);
		aws_error_detail(error, "Size", "%zu", key.n);
		return aws_error_detail(error, "MaxSizeAllowed", "%d", STORE_KEY_MAX);
	}
	if (!s3_is_utf8(key) || (key.n && memchr(key.p, 0, key.n)))
		return aws_error_set(
			error, AWS_ERROR_INVALID_URI, "The object key is not valid UTF-8 text.");
	return 0;
}

static int check_expected_owner(struct s3_call *call, struct aws_error *error)
{
	struct str expected = s3_header(call, "x-amz-expected-bucket-owner");

	if (!expected.p || !call->info || str_equal(expected, call->info->bucket.owner))
		return 0;
	return aws_error_default(error, AWS_ERROR_ACCESS_DENIED);
}

static int call_run(struct api_exchange *exchange, struct aws_error *error)
{
	struct s3_call *call = exchange->handler.state;

	if (call->operation->body == API_BODY_WHOLE &&
		s3_integrity_check_body(call, call->operation->run == s3_objects_delete, error) < 0)
		return -1;
	if (s3_authorizes_late(call) && s3_authorize(call, error) < 0)
		return -1;
	return call->operation->run(call, error);
}

static int find_operation(struct s3_call *call, struct aws_error *error)
{
	struct api_exchange *exchange = call->exchange;
	enum s3_level level = !call->bucket.n ? S3_LEVEL_SERVICE
			      : call->key.n   ? S3_LEVEL_OBJECT
					      : S3_LEVEL_BUCKET;

	call->operation =
		s3_route(exchange->request.method, level, has_parameter, has_header, exchange);
	if (!call->operation) {
		aws_error_default(error, AWS_ERROR_METHOD_NOT_ALLOWED);
		aws_error_detail(error, "Method", "%.*s", STR_ARG(exchange->request.method));
		return -1;
	}
	exchange->operation = call->operation->name;
	exchange->handler.body = call->operation->body;
	exchange->handler.body_max = call->operation->body_max;
	return 0;
}

void s3_call_identify(struct s3_call *call)
{
	if (!call->exchange->caller)
		return;
	aws_canonical_id(call->exchange->caller->principal.account, call->caller_storage);
	call->caller_id = (struct str){call->caller_storage, AWS_CANONICAL_ID_SIZE};
}

static int begin(struct api_exchange *exchange, struct aws_error *error)
{
	struct s3 *s3 = exchange->service->context;
	struct s3_call *call = mem_new(1, sizeof(*call));

	call->exchange = exchange;
	call->s3 = s3;
	call->fd = -1;
	exchange->handler = (struct api_handler){
		.run = call_run, .data = s3_draft_data, .end = call_end, .state = call};
	split_path(call);
	call->headers = exchange->request.headers;
	call->header_count = exchange->request.header_count;
	s3_call_identify(call);
	if (str_equal(exchange->request.method, STR("OPTIONS"))) {
		exchange->operation = "Preflight";
		return s3_cors_preflight(call, error);
	}
	if (find_operation(call, error) < 0 || s3_check_key(call->key, error) < 0)
		return -1;
	struct str version = s3_parameter(call, "versionId");
	call->version = version.p ? version : STR("");
	if (s3_check_version("versionId", call->version, call->version, error) < 0)
		return -1;
	if (call->bucket.n && call->operation->run != s3_bucket_create) {
		if (s3_bucket_get(s3, call->bucket, &call->info, error, s3_err(call)) < 0)
			return -1;
		s3_cors_answer(call);
	}
	if (check_expected_owner(call, error) < 0 || s3_integrity_read(call, error) < 0)
		return -1;
	if (!s3_authorizes_late(call) && s3_authorize(call, error) < 0)
		return -1;
	return call->operation->start ? call->operation->start(call, error) : 0;
}

int s3_not_supported(struct s3_call *call, struct aws_error *error)
{
	return aws_error_set(error, AWS_ERROR_METHOD_NOT_ALLOWED,
		"%s is not supported by this server.", call->operation->name);
}

static const char *const signing_names[] = {"s3", "s3express", NULL};

int s3_start(struct s3 **ret_s3, const struct s3_options *options, struct err *err)
{
	_cleanup_(s3_stopp) struct s3 *s3 = mem_new(1, sizeof(*s3));

	pthread_mutex_init(&s3->lock, NULL);
	s3->objects = options->objects;
	s3->callers = options->callers;
	s3->webhook_hosts = options->webhook_hosts;
	s3->webhooks_to_loopback = options->webhooks_to_loopback;
	s3->region = mem_printf("%.*s", STR_ARG(options->region));
	s3->keys = aws_signing_keys_new();
	s3->service = (struct api_service){.name = "s3",
		.signing_names = signing_names,
		.style = AWS_STYLE_S3,
		.begin = begin,
		.context = s3};
	if (s3_sender_start(s3, options, err) < 0 || s3_keeper_start(s3, options, err) < 0)
		return err_wrap(err, "s3");
	*ret_s3 = take(s3);
	return 0;
}

const struct api_service *s3_service(struct s3 *s3)
{
	return &s3->service;
}

void s3_stop(struct s3 *s3)
{
	if (!s3)
		return;
	s3_keeper_stop(s3);
	s3_sender_stop(s3);
	for (size_t i = 0; i < S3_BUCKETS_CACHED; i++) {
		for (struct s3_bucket *bucket = s3->buckets[i], *next; bucket; bucket = next) {
			next = bucket->next;
			s3_bucket_unref(bucket);
		}
	}
	aws_signing_keys_free(s3->keys);
	pthread_mutex_destroy(&s3->lock);
	free(s3->region);
	free(s3);
}

static void add_counter(
	struct buf *lines, const char *name, const char *help, const atomic_uint_least64_t *value)
{
	buf_printf(lines, "# HELP %s %s\n# TYPE %s counter\n%s %" PRIu64 "\n", name, help, name,
		name, (uint64_t)atomic_load(value));
}

void s3_metrics(void *context, struct buf *lines)
{
	const struct s3 *s3 = context;

	add_counter(
		lines, "nagare_s3_events_sent_total", "Notifications delivered.", &s3->events_sent);
	add_counter(lines, "nagare_s3_events_failed_total", "Notifications given up.",
		&s3->events_failed);
	add_counter(lines, "nagare_s3_events_dropped_total",
		"Notifications not tried: too many waited, or the host is not allowed.",
		&s3->events_dropped);
	add_counter(lines, "nagare_s3_expired_objects_total",
		"Objects, versions and delete markers removed by lifecycle rules.",
		&s3->expired_objects);
	add_counter(lines, "nagare_s3_expired_uploads_total", "Uploads aborted by lifecycle rules.",
		&s3->expired_uploads);
}
