/* Answers. A service may make one on a worker; libmicrohttpd gets it on the event thread of the
 * connection. */
#include "api/http/http_priv.h"

#include <assert.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#define STREAM_BYTES 65536

bool answer_is_made(const struct answer *answer)
{
	return answer->response || answer->is_queued;
}

void answer_done(struct answer *answer)
{
	answer_end(answer);
	if (answer->response)
		MHD_destroy_response(answer->response);
	free(answer->headers);
	*answer = (struct answer){0};
}

/* Values that no header can carry (line breaks, NUL) are left out: they would be another header. */
void api_answer_header(struct api_exchange *exchange, const char *name, struct str value)
{
	struct request *request = request_of(exchange);
	struct answer *answer = &request->answer;

	if (!value.n || memchr(value.p, '\r', value.n) || memchr(value.p, '\n', value.n) ||
		memchr(value.p, '\0', value.n))
		return;
	if (answer->header_count == answer->header_capacity) {
		answer->header_capacity = answer->header_capacity * 2 + 16;
		answer->headers = mem_grow(
			answer->headers, answer->header_capacity, sizeof(*answer->headers));
	}
	char *copy = request_note(request, value.n + 1);
	memcpy(copy, value.p, value.n);
	copy[value.n] = '\0';
	answer->headers[answer->header_count++] = (struct answer_header){name, {copy, value.n}};
}

void api_answer_header_format(
	struct api_exchange *exchange, const char *name, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (n < 0)
		abort();
	api_answer_header(exchange, name, (struct str){text, (size_t)n});
}

static bool is_head(const struct api_exchange *exchange)
{
	return str_equal(exchange->request.method, STR("HEAD"));
}

/* A second answer is a mistake of the service. */
static void finish(struct request *request, int status, const char *content_type,
	struct MHD_Response *response, uint64_t bytes)
{
	struct answer *answer = &request->answer;

	assert(!answer->response);
	if (!response)
		abort(); /* no memory */
	answer->status = status;
	answer->response = response;
	answer->bytes = is_head(&request->exchange) ? 0 : bytes;
	if (content_type)
		MHD_add_response_header(response, "Content-Type", content_type);
	for (size_t i = 0; i < answer->header_count; i++) {
		const struct answer_header *header = &answer->headers[i];
		MHD_add_response_header(response, header->name, header->value.p);
	}
}

void api_answer_empty(struct api_exchange *exchange, int status)
{
	finish(request_of(exchange), status, NULL,
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), 0);
}

void api_answer_bytes(
	struct api_exchange *exchange, int status, const char *content_type, struct buf *bytes)
{
	struct MHD_Response *response =
		bytes->n ? MHD_create_response_from_buffer_with_free_callback(
				   bytes->n, bytes->p, free)
			 : MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	size_t n = bytes->n;

	if (!n)
		buf_done(bytes);
	*bytes = (struct buf){0};
	finish(request_of(exchange), status, content_type, response, n);
}

static ssize_t read_nothing(void *context, uint64_t position, char *bytes, size_t n)
{
	return MHD_CONTENT_READER_END_WITH_ERROR;
}

/* ---- files ---- */

struct file {
	int fd;
	int64_t offset;
};

/* For TLS, where there is no sendfile. */
static ssize_t read_file(void *context, uint64_t position, char *bytes, size_t n)
{
	const struct file *file = context;
	ssize_t got = pread(file->fd, bytes, n, file->offset + (int64_t)position);

	return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void end_file(void *context)
{
	struct file *file = context;

	close(file->fd);
	free(file);
}

void api_answer_file(
	struct api_exchange *exchange, int status, int fd, int64_t offset, int64_t size)
{
	struct request *request = request_of(exchange);
	struct MHD_Response *response;

	assert(size >= 0);
	if (size == 0 || is_head(exchange)) {
		close(fd);
		response = size ? MHD_create_response_from_callback(
					  (uint64_t)size, 1, read_nothing, NULL, NULL)
				: MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	} else if (exchange->is_tls) {
		struct file *file = mem_new(1, sizeof(*file));
		*file = (struct file){fd, offset};
		response = MHD_create_response_from_callback(
			(uint64_t)size, STREAM_BYTES, read_file, file, end_file);
	} else {
		response = MHD_create_response_from_fd_at_offset64(
			(uint64_t)size, fd, (uint64_t)offset);
	}
	finish(request, status, NULL, response, (uint64_t)size);
}

/* ---- streams ---- */

/* Filled by a worker while the connection is suspended, then emptied on the event thread. */
struct stream {
	struct request *request;
	struct api_stream source;
	struct job job;
	ssize_t filled; /* of bytes; 0: the end, <0: broken */
	size_t taken;
	bool is_filled;
	char bytes[STREAM_BYTES];
};

static void fill(void *context)
{
	struct stream *stream = context;

	stream->filled =
		stream->source.read(stream->source.context, stream->bytes, sizeof(stream->bytes));
	stream->taken = 0;
	stream->is_filled = true;
	MHD_resume_connection(stream->request->connection);
}

static ssize_t end_of(ssize_t got)
{
	return got == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static ssize_t read_slow(void *context, uint64_t position, char *bytes, size_t n)
{
	struct stream *stream = context;

	if (!stream->is_filled) {
		MHD_suspend_connection(stream->request->connection);
		if (workers_add(stream->request->server->workers, &stream->job))
			return 0;
		MHD_resume_connection(stream->request->connection);
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	if (stream->filled <= 0)
		return end_of(stream->filled);
	size_t left = (size_t)stream->filled - stream->taken;
	size_t part = left < n ? left : n;
	memcpy(bytes, stream->bytes + stream->taken, part);
	stream->taken += part;
	stream->is_filled = stream->taken < (size_t)stream->filled;
	stream->request->answer.bytes += part;
	return (ssize_t)part;
}

static ssize_t read_quick(void *context, uint64_t position, char *bytes, size_t n)
{
	struct stream *stream = context;
	ssize_t got = stream->source.read(stream->source.context, bytes, n);

	if (got == API_STREAM_WAIT)
		return 0;
	if (got <= 0)
		return end_of(got);
	stream->request->answer.bytes += (uint64_t)got;
	return got;
}

void api_stream_wait(struct api_exchange *exchange)
{
	MHD_suspend_connection(request_of(exchange)->connection);
}

void api_stream_wake(struct api_exchange *exchange)
{
	MHD_resume_connection(request_of(exchange)->connection);
}

void api_stream_cut(struct api_exchange *exchange)
{
	shutdown(request_of(exchange)->client->fd, SHUT_RDWR);
}

bool api_is_stopping(const struct api_exchange *exchange)
{
	return atomic_load(&exchange->server->is_stopping);
}

static void end_stream(void *context)
{
	free(context); /* answer_end has been called: a response outlives its request */
}

void answer_end(struct answer *answer)
{
	struct stream *stream = take(answer->stream);

	if (stream && stream->source.end)
		stream->source.end(stream->source.context);
}

void api_answer_stream(struct api_exchange *exchange, int status, const char *content_type,
	const struct api_stream *stream)
{
	struct request *request = request_of(exchange);
	struct stream *filled = mem_new(1, sizeof(*filled));
	uint64_t size = stream->length < 0 ? MHD_SIZE_UNKNOWN : (uint64_t)stream->length;

	filled->request = request;
	filled->source = *stream;
	filled->job = (struct job){.run = fill, .context = filled};
	struct MHD_Response *response = MHD_create_response_from_callback(
		size, STREAM_BYTES, stream->is_quick ? read_quick : read_slow, filled, end_stream);
	finish(request, status, content_type, response, 0);
	request->answer.stream = filled;
}

/* ---- to libmicrohttpd ---- */

static void add_ids(struct request *request)
{
	struct MHD_Response *response = request->answer.response;
	const char *id = request->exchange.request_id;

	if (request->exchange.service && error_style(request) == AWS_STYLE_S3) {
		MHD_add_response_header(response, "x-amz-request-id", id);
		MHD_add_response_header(response, "x-amz-id-2", request->host_id);
	} else {
		MHD_add_response_header(response, "x-amzn-RequestId", id);
	}
}

const char *api_host_id(struct api_exchange *exchange)
{
	return request_of(exchange)->host_id;
}

enum MHD_Result answer_queue(struct request *request)
{
	struct answer *answer = &request->answer;

	if (!client_enter(request->client, CLIENT_BUSY))
		return MHD_NO;
	add_ids(request);
	if (MHD_get_response_header(answer->response, "Server") == NULL)
		MHD_add_response_header(answer->response, "Server", "nagare");
	if (answer->must_close || atomic_load(&request->server->is_stopping))
		MHD_add_response_header(answer->response, "Connection", "close");
	enum MHD_Result result =
		MHD_queue_response(request->connection, (unsigned)answer->status, answer->response);
	/* libmicrohttpd holds it now. */
	answer->is_queued = true;
	MHD_destroy_response(answer->response);
	answer->response = NULL;
	return result;
}
