#include "aws/http_test_help.h"

#include "aws/http_priv.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct connection {
	struct test_server *server;
	int fd;
};

static bool read_more(int fd, struct buf *bytes)
{
	ssize_t got = read(fd, buf_reserve(bytes, 64 << 10), 64 << 10);

	if (got > 0)
		bytes->n += (size_t)got;
	return got > 0;
}

static void send_all(int fd, struct str bytes)
{
	while (bytes.n) {
		ssize_t sent = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		bytes = (struct str){bytes.p + sent, bytes.n - (size_t)sent};
	}
}

struct str test_request_header(const struct test_request *request, const char *name)
{
	return aws_http_header(request->head, str_from(name));
}

/* Bytes of the head, its empty line included; 0: the connection is over. */
static size_t await_head(int fd, struct buf *bytes)
{
	const char *end;

	while (!(end = bytes->n ? memmem(bytes->p, bytes->n, "\r\n\r\n", 4) : NULL))
		if (!read_more(fd, bytes))
			return 0;
	return (size_t)(end + 4 - bytes->p);
}

static bool serve_one(struct connection *connection, struct buf *bytes)
{
	struct test_server *server = connection->server;
	struct test_request request = {0};
	struct test_reply reply = {0};
	uint64_t length = 0;
	size_t head = await_head(connection->fd, bytes);

	if (head == 0)
		return false;
	/* A copy, because reading the body moves the bytes. */
	_cleanup_free_ char *copy = mem_printf("%.*s", (int)head, bytes->p);
	struct str line, target;
	request.head = (struct str){copy, head};
	str_split(&request.head, '\n', &line);
	str_split(&line, ' ', &request.method);
	str_split(&line, ' ', &target);
	number_parse(test_request_header(&request, "Content-Length"), UINT32_MAX, &length);
	if (test_request_header(&request, "Expect").n)
		send_all(connection->fd, STR("HTTP/1.1 100 Continue\r\n\r\n"));
	while (bytes->n < head + length)
		if (!read_more(connection->fd, bytes))
			return false;
	request.query = target;
	str_split(&request.query, '?', &request.path);
	buf_add(&request.body, bytes->p + head, length);
	memmove(bytes->p, bytes->p + head + length, bytes->n - head - length);
	bytes->n -= head + length;
	request.number = atomic_fetch_add(&server->requests, 1) + 1;
	server->answer(server->context, &request, &reply);
	struct pollfd end = {.fd = connection->fd, .events = POLLRDHUP};
	if (reply.silent_ms)
		poll(&end, 1, (int)reply.silent_ms);
	send_all(connection->fd, buf_str(&reply.text));
	bool goes_on = reply.text.n > 0 && !reply.is_last;
	buf_done(&reply.text);
	buf_done(&request.body);
	return goes_on;
}

static void *serve(void *context)
{
	struct connection *connection = context;
	struct buf bytes = {0};

	while (serve_one(connection, &bytes))
		;
	buf_done(&bytes);
	shutdown(connection->fd, SHUT_RDWR);
	free(connection);
	return NULL;
}

static void *accept_all(void *context)
{
	struct test_server *server = context;
	int fd;

	while ((fd = accept(server->fd, NULL, NULL)) >= 0) {
		struct connection *connection = mem_new(1, sizeof(*connection));
		*connection = (struct connection){server, fd};
		atomic_fetch_add(&server->connections, 1);
		pthread_mutex_lock(&server->lock);
		unsigned at = server->count++;
		if (at >= ARRAY_SIZE(server->fds))
			abort();
		server->fds[at] = fd;
		pthread_create(&server->threads[at], NULL, serve, connection);
		pthread_mutex_unlock(&server->lock);
	}
	return NULL;
}

void test_server_start(struct test_server *server)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(addr);

	pthread_mutex_init(&server->lock, NULL);
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->fd < 0 || bind(server->fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		listen(server->fd, 64) < 0 ||
		getsockname(server->fd, (struct sockaddr *)&addr, &length) < 0)
		abort();
	server->port = ntohs(addr.sin_port);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u", server->port);
	pthread_create(&server->thread, NULL, accept_all, server);
}

void test_server_stop(struct test_server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	for (unsigned i = 0; i < server->count; i++) {
		shutdown(server->fds[i], SHUT_RDWR);
		pthread_join(server->threads[i], NULL);
		close(server->fds[i]);
	}
	close(server->fd);
	pthread_mutex_destroy(&server->lock);
}

void test_reply_set(struct test_reply *reply, int status, const char *headers, const char *body)
{
	buf_printf(&reply->text, "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\n\r\n%s", status,
		headers, strlen(body), body);
}
