/* The life of a request, as libmicrohttpd 0.9.75 calls it:
 *   handler_uri        the request line is in
 *   handler_access     once with the headers, then with each piece of the body, then once more
 *                      without bytes; a connection that waits for a worker is suspended in that
 *                      last call and gets it again when it is resumed
 *   handler_completed  the answer is out, or the connection gone
 * An answer given in the first call closes the connection, because libmicrohttpd then does not read
 * the body: that is for clients that wait for 100 Continue. All others send their body whatever we
 * say, so it is read and thrown away, up to a limit, and they get their answer at the end. */
#include "api/http/http_priv.h"

#include "api/protocol/run.h"
#include "base/clock.h"

#include <assert.h>

#define DISCARD_MAX        (UINT64_C(64) << 20) /* of strangers, and of what is refused unread */
#define DISCARD_MAX_PROVED (UINT64_C(6) << 30)  /* of a body that turned out to be wrong */

void *handler_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct request *request = request_new(context, info ? info->socket_context : NULL, uri);

	request->connection = connection;
	return request;
}

static void refuse(struct request *request, const struct aws_error *error)
{
	if (!request->exchange.request_id[0])
		request_make_ids(request);
	if (!answer_is_made(&request->answer))
		api_answer_error(&request->exchange, error);
}

static int refuse_auth(
	struct request *request, const struct aws_refusal *refusal, struct aws_error *error)
{
	return aws_refusal_error(refusal, error_style(request), error);
}

static void fill_dispatch(struct request *request, struct dispatch_input *input)
{
	struct api_exchange *exchange = &request->exchange;
	struct str target = api_header(exchange, STR("x-amz-target"));
	struct str type = api_header(exchange, STR("content-type"));

	*input = (struct dispatch_input){.scope = exchange->signature.service,
		.target = target.p ? target : STR(""),
		.method = exchange->request.method,
		.path = exchange->request.path,
		.content_type = type.p ? type : STR(""),
		.form = STR_NONE};
}

/* A service that is not here: in the words that its clients know. */
static int refuse_service(struct request *request, struct aws_error *error)
{
	struct str scope = request->exchange.signature.service;

	switch (error_style(request)) {
	case AWS_STYLE_JSON:
		return aws_error_set(error, AWS_ERROR_UNKNOWN_OPERATION_EXCEPTION,
			"There is no service '%.*s' here.", (int)(scope.n < 64 ? scope.n : 64),
			scope.p);
	case AWS_STYLE_S3:
		return aws_error_default(error, AWS_ERROR_NOT_IMPLEMENTED);
	default:
		return aws_error_set(error, AWS_ERROR_INVALID_ACTION,
			"There is no service '%.*s' here.", (int)(scope.n < 64 ? scope.n : 64),
			scope.p);
	}
}

/* ---- begin ---- */

/* S3 streams by itself; a modelled service's bodies are kept in memory. */
static int begin_service(struct request *request, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;

	request->has_begun_service = true;
	const struct api_service *service = exchange->service;
	if ((service->begin ? service->begin : protocol_begin)(exchange, error) < 0)
		return -1;
	struct api_handler *handler = &exchange->handler;
	assert(answer_is_made(&request->answer) || handler->run);
	if (error_style(request) != AWS_STYLE_S3 && handler->body != API_BODY_WHOLE)
		handler->body = API_BODY_WHOLE; /* the signature is over all of it */
	request->body.max =
		handler->body_max ? handler->body_max : request->server->settings.limits.body_bytes;
	return 0;
}

static int find_service(struct request *request, struct str form, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;
	struct dispatch_input input;

	fill_dispatch(request, &input);
	input.form = form;
	enum dispatch_result result =
		dispatch_find(request->server->services, &input, &exchange->service);
	if (result == DISPATCH_FORM) {
		request->is_late = true;
		return 0;
	}
	request_make_ids(request);
	return result == DISPATCH_FOUND ? 0 : refuse_service(request, error);
}

static int check_client(struct request *request, struct aws_error *error)
{
	if (atomic_load(&request->server->is_stopping)) {
		request->answer.must_close = true;
		return aws_error_default(error, AWS_ERROR_SERVICE_UNAVAILABLE);
	}
	if (request->client->is_over_limit) {
		request->answer.must_close = true;
		return aws_error_default(error, AWS_ERROR_SLOW_DOWN);
	}
	return 0;
}

/* Everything that the headers tell. */
static int begin(
	struct request *request, const char *method, const char *version, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;
	struct aws_refusal refusal = {.fault = AWS_AUTH_OK};

	bool is_read = request_read(request, method, version, error) == 0;
	if (is_read && pages_answer(request))
		return 0;
	int claimed = is_read || request->headers ? authenticate_parse(request, &refusal) : 0;
	struct aws_error dispatch_error;
	int found = find_service(request, STR_NONE, &dispatch_error);
	/* Which service it is tells in whose words it is refused, whatever for. */
	if (!is_read || check_client(request, error) < 0)
		return -1;
	if (claimed < 0)
		return refuse_auth(request, &refusal, error);
	if (found < 0) {
		*error = dispatch_error;
		return -1;
	}
	if (authenticate_caller(request, &refusal) < 0)
		return refuse_auth(request, &refusal, error);
	if (request->is_late) {
		exchange->handler.body = API_BODY_WHOLE;
		request->body.max = request->server->settings.limits.body_bytes;
		return 0;
	}
	if (error_style(request) == AWS_STYLE_S3 &&
		authenticate_verify(request, STR_NONE, &refusal) < 0)
		return refuse_auth(request, &refusal, error);
	if (body_begin(request, error) < 0 || begin_service(request, error) < 0)
		return -1;
	if (!answer_is_made(&request->answer) && exchange->content_length > 0 &&
		exchange->handler.body != API_BODY_NONE &&
		(uint64_t)exchange->content_length > request->body.max)
		return body_too_large(request, request->body.max, error);
	return 0;
}

static enum MHD_Result first_call(struct request *request, const char *method, const char *version)
{
	struct api_exchange *exchange = &request->exchange;
	struct aws_error error = {.code = AWS_ERROR_NONE};

	request->is_begun = true;
	request->is_counted = true;
	atomic_fetch_add(&request->server->running, 1);
	if (begin(request, method, version, &error) < 0)
		refuse(request, &error);
	if (!request->exchange.request_id[0] && !request->is_late)
		request_make_ids(request);
	bool has_body = request->expected > 0;
	memcpy(request->client->request_id, exchange->request_id, sizeof(exchange->request_id));
	client_enter(request->client, has_body ? CLIENT_BODY : CLIENT_BUSY);
	if (!answer_is_made(&request->answer)) {
		request->body.is_discarded = exchange->handler.body == API_BODY_NONE;
		return MHD_YES;
	}
	request->body.is_discarded = true;
	bool is_long = request->expected != UINT64_MAX && request->expected > DISCARD_MAX;
	if (request->answer.must_close || (has_body && (request->has_expect || is_long)))
		return answer_queue(request);
	return MHD_YES;
}

/* ---- body ---- */

static enum MHD_Result next_bytes(struct request *request, struct str bytes)
{
	struct aws_error error = {.code = AWS_ERROR_NONE};

	if (atomic_load(&request->client->phase) == CLIENT_CLOSED)
		return MHD_NO;
	atomic_fetch_add(&request->client->bytes, bytes.n);
	if (!request->body.is_discarded && body_add(request, bytes, &error) < 0) {
		refuse(request, &error);
		request->body.is_discarded = true;
	} else if (request->body.is_discarded) {
		request->body.received += bytes.n;
		request->body.discarded += bytes.n;
	}
	return request->body.discarded > (request->is_proved ? DISCARD_MAX_PROVED : DISCARD_MAX)
		       ? MHD_NO
		       : MHD_YES;
}

/* ---- run ---- */

/* The service is known by the form only: as if the headers came now. */
static int begin_late(struct request *request, struct aws_error *error)
{
	struct api_exchange *exchange = &request->exchange;

	request->is_late = false;
	struct str form = exchange->body.n ? buf_str(&exchange->body) : STR("");
	if (find_service(request, form, error) < 0)
		return -1;
	exchange->handler.body = API_BODY_NONE;
	if (begin_service(request, error) < 0)
		return -1;
	if (exchange->body.n > request->body.max)
		return body_too_large(request, request->body.max, error);
	if (exchange->handler.body == API_BODY_STREAM && exchange->body.n)
		return exchange->handler.data(exchange, buf_str(&exchange->body), error);
	return 0;
}

static void run(struct request *request)
{
	struct api_exchange *exchange = &request->exchange;
	struct aws_error error = {.code = AWS_ERROR_NONE};

	if (request->is_late && begin_late(request, &error) < 0) {
		refuse(request, &error);
		return;
	}
	if (answer_is_made(&request->answer))
		return;
	if (body_finish(request, &error) < 0 || exchange->handler.run(exchange, &error) < 0) {
		refuse(request, &error);
		return;
	}
	if (!answer_is_made(&request->answer)) {
		err_set(&exchange->err, ERR_SYSTEM, "the operation gave no answer");
		aws_error_internal(&error);
		refuse(request, &error);
	}
}

static void run_on_worker(void *context)
{
	struct request *request = context;

	run(request);
	MHD_resume_connection(request->connection);
}

static enum MHD_Result last_call(struct request *request)
{
	if (request->answer.is_queued)
		return MHD_YES;
	if (!client_enter(request->client, CLIENT_BUSY))
		return MHD_NO;
	if (!answer_is_made(&request->answer) && request->exchange.handler.is_quick)
		run(request);
	if (answer_is_made(&request->answer))
		return answer_queue(request);
	request->job = (struct job){.run = run_on_worker, .context = request};
	MHD_suspend_connection(request->connection);
	if (workers_add(request->server->workers, &request->job))
		return MHD_YES;
	MHD_resume_connection(request->connection);
	return MHD_NO;
}

enum MHD_Result handler_access(void *context, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *bytes, size_t *n, void **request_)
{
	struct request *request = *request_;

	if (!request->is_begun)
		return first_call(request, method, version);
	if (*n) {
		struct str piece = {bytes, *n};
		*n = 0;
		return next_bytes(request, piece);
	}
	return last_call(request);
}

void handler_completed(void *context, struct MHD_Connection *connection, void **request_,
	enum MHD_RequestTerminationCode how)
{
	struct api_server *server = context;
	struct request *request = *request_;

	*request_ = NULL;
	if (!request)
		return;
	client_enter(request->client, CLIENT_IDLE);
	answer_end(&request->answer);
	if (request->has_begun_service && request->exchange.handler.end)
		request->exchange.handler.end(&request->exchange);
	if (request->is_begun) {
		int64_t duration_ns = clock_mono_ns() - request->started_ns;
		bool is_whole = how == MHD_REQUEST_TERMINATED_COMPLETED_OK;
		if (request->exchange.err.code != ERR_NONE && request->answer.status < 500)
			log_error(server->log, request->exchange.operation, &request->exchange.err);
		metrics_request(server->metrics, request, duration_ns);
		log_access(server->log, request, duration_ns, is_whole);
	}
	if (request->is_counted)
		atomic_fetch_sub(&server->running, 1);
	request_free(request);
}
