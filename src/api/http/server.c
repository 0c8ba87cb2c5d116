/* Start and stop, and the connections with their limits. libmicrohttpd's threads wait on epoll and
 * call handler.c. It knows one timeout, of a connection on which nothing moves; what is slow on
 * purpose (a header byte now and then) is found by our watchdog, which looks at all connections
 * once a second. */
#include "api/http/http_priv.h"

#include "aws/digest.h"
#include "aws/time.h"
#include "aws/xml.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/ip.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define CONNECTION_MEMORY  (24u << 10)
#define HEADER_BYTES_MAX   (16u << 10)
#define CONNECTIONS_BEYOND 512 /* that are told why */
#define ADDRESS_BUCKETS    1024
#define LISTEN_BACKLOG     1024

/* How many connections an address has. */
struct address {
	struct address *next;
	char text[64];
	uint64_t count;
};

struct clients {
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	struct client *first;
	uint64_t count, most; /* connections, and the most since memory was given back */
	struct address *addresses[ADDRESS_BUCKETS];
	uint64_t seed;
	pthread_t watchdog;
	bool is_ending, is_watched;
};

/* ---- connections ---- */

static int64_t now_ms(void)
{
	return clock_mono_ns() / 1000000;
}

bool client_enter(struct client *client, enum client_phase phase)
{
	int now = atomic_load(&client->phase);

	do {
		if (now == CLIENT_CLOSED)
			return false;
	} while (!atomic_compare_exchange_weak(&client->phase, &now, phase));
	atomic_store(&client->bytes, 0);
	atomic_store(&client->since_ms, now_ms());
	return true;
}

static void set_address(struct client *client, const struct sockaddr *address)
{
	struct ip_addr ip = {.words = {0}};
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address && address->sa_family == AF_INET)
		ip = ip_from_v4(&v4->sin_addr);
	else if (address && address->sa_family == AF_INET6)
		ip = ip_from_v6(&v6->sin6_addr);
	*ip_write(client->address, &ip) = '\0';
	client->is_loopback = ip_is_v4(&ip)
				      ? ip.bytes[12] == 127
				      : IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)ip.bytes);
}

/* Where the address is counted, or is to be. */
static struct address **find_address(struct clients *clients, const char *text)
{
	uint64_t hash = hash_bytes(text, strlen(text), clients->seed);
	struct address **place = &clients->addresses[hash % ADDRESS_BUCKETS];

	while (*place && strcmp((*place)->text, text) != 0)
		place = &(*place)->next;
	return place;
}

static uint64_t count_address(struct clients *clients, const struct client *client, int change)
{
	struct address **place = find_address(clients, client->address);

	if (!*place) {
		*place = mem_new(1, sizeof(**place));
		memcpy((*place)->text, client->address, sizeof(client->address));
	}
	struct address *address = *place;
	address->count += (uint64_t)change;
	uint64_t count = address->count;
	if (!count) {
		*place = address->next;
		free(address);
	}
	return count;
}

static struct client *client_new(struct api_server *server, struct MHD_Connection *connection)
{
	struct clients *clients = server->clients;
	const struct api_limits *limits = &server->settings.limits;
	struct client *client = mem_new(1, sizeof(*client));
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *address =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	client->fd = fd ? fd->connect_fd : -1;
	set_address(client, address ? address->client_addr : NULL);
	client_enter(client, CLIENT_IDLE);
	pthread_mutex_lock(&clients->mutex);
	client->next = clients->first;
	if (client->next)
		client->next->previous = client;
	clients->first = client;
	clients->count++;
	if (clients->count > clients->most)
		clients->most = clients->count;
	uint64_t of_address = count_address(clients, client, 1);
	client->is_over_limit =
		clients->count > limits->connections ||
		(!client->is_loopback && of_address > limits->connections_per_address);
	pthread_mutex_unlock(&clients->mutex);
	metrics_connections(server->metrics, 1);
	if (client->is_over_limit)
		metrics_refused(server->metrics, "connections");
	return client;
}

static void client_free(struct api_server *server, struct client *client)
{
	struct clients *clients = server->clients;

	pthread_mutex_lock(&clients->mutex);
	if (client->next)
		client->next->previous = client->previous;
	if (client->previous)
		client->previous->next = client->next;
	else
		clients->first = client->next;
	clients->count--;
	count_address(clients, client, -1);
	pthread_mutex_unlock(&clients->mutex);
	metrics_connections(server->metrics, -1);
	free(client);
}

static void notify_connection(void *context, struct MHD_Connection *connection,
	void **socket_context, enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*socket_context = client_new(context, connection);
	} else {
		client_free(context, *socket_context);
		*socket_context = NULL;
	}
}

/* ---- watchdog ---- */

/* The client has gone in the middle of its body. An end that arrives together with the last bytes
 * makes no event of its own, so that libmicrohttpd does not see it. */
static bool has_ended(const struct client *client)
{
	char byte;

	return recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* NULL, or why the connection is to be given up. */
static const char *is_too_slow(struct client *client, const struct api_limits *limits)
{
	int phase = atomic_load(&client->phase);
	int64_t waited_ms = now_ms() - atomic_load(&client->since_ms);

	if (phase == CLIENT_BODY && has_ended(client))
		return "broken off";
	if (waited_ms < (int64_t)limits->idle_seconds * 1000)
		return NULL;
	if (phase == CLIENT_IDLE)
		return "idle";
	if (phase != CLIENT_BODY)
		return NULL;
	if (atomic_load(&client->bytes) < limits->body_rate * limits->idle_seconds)
		return "slow body";
	atomic_store(&client->bytes, 0);
	atomic_store(&client->since_ms, now_ms());
	return NULL;
}

/* S3's RequestTimeout. libmicrohttpd takes no answer in the middle of a body, so this one goes out
 * beside it: nothing else is being written, and in the phase CLOSED nothing will be. */
static void answer_timeout(const struct client *client)
{
	_cleanup_buf_ struct buf text = {0}, body = {0};
	enum aws_error_code code = AWS_ERROR_REQUEST_TIMEOUT;
	char date[AWS_TIME_STR_MAX];
	struct aws_xml_writer xml;

	aws_xml_begin(&xml, &body);
	aws_xml_open(&xml, "Error");
	aws_xml_element(&xml, "Code", str_from(aws_error_name(code)));
	aws_xml_element(&xml, "Message", str_from(aws_error_message(code)));
	aws_xml_element(&xml, "RequestId", str_from(client->request_id));
	aws_xml_end(&xml);
	char *end = aws_time_write_http(date, clock_wall_ns() / 1000000);
	buf_printf(&text,
		"HTTP/1.1 %d Bad Request\r\nDate: %.*s\r\nServer: nagare\r\nConnection: close\r\n"
		"x-amz-request-id: %s\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n\r\n",
		aws_error_status(code), (int)(end - date), date, client->request_id, body.n);
	buf_add_str(&text, buf_str(&body));
	send(client->fd, text.p, text.n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The event thread sees the end of the connection and cleans up. */
static void give_up(const struct api_server *server, struct client *client)
{
	int phase = atomic_load(&client->phase);

	if (phase == CLIENT_BODY &&
		!atomic_compare_exchange_strong(&client->phase, &phase, CLIENT_CLOSED))
		return; /* it has just moved on */
	if (phase == CLIENT_BODY && !server->is_tls)
		answer_timeout(client);
	shutdown(client->fd, SHUT_RDWR);
}

/* After a crowd has gone, its memory goes back to the system. */
static void give_back_memory(struct clients *clients)
{
	if (clients->most < 1000 || clients->count > clients->most / 2)
		return;
	clients->most = clients->count;
	malloc_trim(0);
}

static void *watch(void *context)
{
	struct api_server *server = context;
	struct clients *clients = server->clients;
	struct timespec until;

	pthread_mutex_lock(&clients->mutex);
	while (!clients->is_ending) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_cond_timedwait(&clients->ended, &clients->mutex, &until);
		for (struct client *client = clients->first; client; client = client->next) {
			const char *reason = is_too_slow(client, &server->settings.limits);
			if (!reason)
				continue;
			metrics_refused(server->metrics, reason);
			give_up(server, client);
		}
		give_back_memory(clients);
	}
	pthread_mutex_unlock(&clients->mutex);
	return NULL;
}

static struct clients *clients_new(void)
{
	struct clients *clients = mem_new(1, sizeof(*clients));

	pthread_mutex_init(&clients->mutex, NULL);
	pthread_cond_init(&clients->ended, NULL);
	aws_random(&clients->seed, sizeof(clients->seed));
	return clients;
}

static void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	pthread_mutex_lock(&clients->mutex);
	clients->is_ending = true;
	pthread_cond_broadcast(&clients->ended);
	pthread_mutex_unlock(&clients->mutex);
	if (clients->is_watched)
		pthread_join(clients->watchdog, NULL);
	pthread_cond_destroy(&clients->ended);
	pthread_mutex_destroy(&clients->mutex);
	free(clients);
}

/* ---- start ---- */

static void fill_limits(struct api_limits *limits)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct {
		uint64_t *value, otherwise;
	} defaults[] = {
		{&limits->header_bytes, HEADER_BYTES_MAX},
		{&limits->uri_bytes, 8192},
		{&limits->body_bytes, UINT64_C(16) << 20},
		{&limits->connections, 16384},
		{&limits->connections_per_address, 4096},
		{&limits->idle_seconds, 60},
		{&limits->body_rate, 64},
		{&limits->drain_seconds, 30},
		{&limits->event_threads, processors > 0 ? (uint64_t)processors : 1},
		{&limits->workers, 32},
	};

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++)
		if (!*defaults[i].value)
			*defaults[i].value = defaults[i].otherwise;
	if (limits->header_bytes > HEADER_BYTES_MAX)
		limits->header_bytes = HEADER_BYTES_MAX;
	if (limits->event_threads > 64)
		limits->event_threads = 64;
}

/* A descriptor a connection, and one for its file. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* ADDRESS:PORT, [ADDRESS]:PORT, localhost:PORT. */
static int parse_listen(const char *text, struct sockaddr_storage *ret_address, socklen_t *ret_size,
	struct err *err)
{
	const char *colon = strrchr(text, ':');
	struct str host = {text, colon ? (size_t)(colon - text) : 0};
	struct ip_addr ip;
	uint64_t port;

	if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = (struct str){host.p + 1, host.n - 2};
	if (str_equal(host, STR("localhost")))
		host = STR("127.0.0.1");
	if (!colon || !ip_parse(host, &ip) || !number_parse(str_from(colon + 1), 65535, &port)) {
		err_set(err, ERR_USAGE, "expected ADDRESS:PORT to listen on, found '%s'", text);
		err_hint(err, "such as %s, 0.0.0.0:4560 or [::1]:4560", API_LISTEN_DEFAULT);
		return -1;
	}
	memset(ret_address, 0, sizeof(*ret_address));
	if (ip_is_v4(&ip)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)ret_address;
		ret_address->ss_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		memcpy(&v4->sin_addr, ip.bytes + 12, 4);
		*ret_size = sizeof(*v4);
	} else {
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret_address;
		ret_address->ss_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		memcpy(&v6->sin6_addr, ip.bytes, 16);
		*ret_size = sizeof(*v6);
	}
	return 0;
}

static int open_listener(
	const char *text, struct sockaddr_storage *ret_address, int *ret_fd, struct err *err)
{
	socklen_t size = 0;
	int on = 1;

	if (parse_listen(text, ret_address, &size, err) < 0)
		return -1;
	_cleanup_close_ int fd = socket(
		ret_address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0)
		return err_set_errno(err, errno, "cannot make a socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)ret_address, size) < 0 || listen(fd, LISTEN_BACKLOG) < 0) {
		int failed = errno;
		err_set_errno(err, failed, "cannot listen on %s", text);
		if (failed == EADDRINUSE)
			err_hint(err,
				"another program has this port; give another one with --listen");
		else if (failed == EACCES)
			err_hint(err,
				"ports below 1024 are for root; give another one with --listen");
		return -1;
	}
	getsockname(fd, (struct sockaddr *)ret_address, &size);
	*ret_fd = take_fd(fd);
	return 0;
}

static char *endpoint_of(const struct sockaddr_storage *address, bool is_tls)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	bool is_v4 = address->ss_family == AF_INET;
	struct ip_addr ip = is_v4 ? ip_from_v4(&v4->sin_addr) : ip_from_v6(&v6->sin6_addr);
	char text[IP_STR_MAX];
	char *end = ip_write(text, &ip);

	return mem_printf("http%s://%s%.*s%s:%u", is_tls ? "s" : "", is_v4 ? "" : "[",
		(int)(end - text), text, is_v4 ? "" : "]",
		ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

/* libmicrohttpd's own messages are of broken connections: every scanner would fill the log. */
static void ignore_message(void *context, const char *format, va_list arguments)
{
}

static size_t unescape_nothing(void *context, struct MHD_Connection *connection, char *text)
{
	return strlen(text);
}

static int start_daemon(struct api_server *server, int listener, bool is_v6, struct err *err)
{
	const struct api_server_settings *settings = &server->settings;
	const struct api_limits *limits = &settings->limits;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)settings->certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)settings->key},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG | (is_v6 ? MHD_USE_IPv6 : 0) |
			 (server->is_tls ? MHD_USE_TLS : 0);

	server->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handler_access, server,
		MHD_OPTION_EXTERNAL_LOGGER, ignore_message, NULL, MHD_OPTION_LISTEN_SOCKET,
		listener, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)limits->event_threads,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)limits->connections + CONNECTIONS_BEYOND,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)limits->idle_seconds + 10,
		MHD_OPTION_URI_LOG_CALLBACK, handler_uri, server, MHD_OPTION_UNESCAPE_CALLBACK,
		unescape_nothing, NULL, MHD_OPTION_NOTIFY_COMPLETED, handler_completed, server,
		MHD_OPTION_NOTIFY_CONNECTION, notify_connection, server, MHD_OPTION_ARRAY,
		server->is_tls ? tls : tls + 2, MHD_OPTION_END);
	if (server->daemon)
		return 0;
	if (server->is_tls)
		return err_set(err, ERR_INPUT,
			"cannot serve with this certificate and key (PEM, and of one pair)");
	return err_set_errno(err, errno ? errno : ENOMEM, "cannot start the HTTP server");
}

static void copy_settings(struct api_server *server, const struct api_server_settings *settings)
{
	server->settings = *settings;
	server->is_tls = settings->certificate != NULL;
	server->account = mem_strdup(settings->account);
	server->region = mem_strdup(settings->region);
	fill_limits(&server->settings.limits);
	for (size_t i = 0; i < API_SERVICES_MAX && settings->services[i]; i++)
		server->services[i] = settings->services[i];
	server->domains[server->domain_count++] = STR("localhost");
	for (size_t i = 0; settings->domains && settings->domains[i] && i < API_DOMAINS_MAX; i++)
		server->domains[server->domain_count++] = str_from(settings->domains[i]);
}

static int start(struct api_server *server, struct err *err)
{
	static const char all[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
		"\"Action\":\"*\",\"Resource\":\"*\"}]}";
	struct sockaddr_storage address;
	int listener = -1;

	raise_descriptors();
	server->keys = aws_signing_keys_new();
	server->log = log_new(server->settings.access_log, server->settings.is_quiet);
	server->metrics = metrics_new();
	server->clients = clients_new();
	if (aws_policy_parse(&server->allow_all, str_from(all), AWS_POLICY_IDENTITY, err) < 0 ||
		open_listener(server->settings.listen, &address, &listener, err) < 0)
		return -1;
	server->endpoint = endpoint_of(&address, server->is_tls);
	if (workers_start(&server->workers, (unsigned)server->settings.limits.workers, err) < 0 ||
		start_daemon(server, listener, address.ss_family == AF_INET6, err) < 0) {
		close(listener);
		return -1;
	}
	int failed = pthread_create(&server->clients->watchdog, NULL, watch, server);
	if (failed)
		return err_set_errno(err, failed, "cannot start a thread");
	server->clients->is_watched = true;
	return 0;
}

int api_server_start(
	struct api_server **ret_server, const struct api_server_settings *settings, struct err *err)
{
	struct api_server *server = mem_new(1, sizeof(*server));
	sigset_t all_signals, before;

	copy_settings(server, settings);
	/* Signals are for the thread that starts the server, and none of ours takes one. */
	sigfillset(&all_signals);
	pthread_sigmask(SIG_SETMASK, &all_signals, &before);
	int started = start(server, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (started < 0) {
		api_server_free(server);
		return -1;
	}
	*ret_server = server;
	return 0;
}

/* ---- stop ---- */

static void close_clients(struct clients *clients, bool idle_only)
{
	pthread_mutex_lock(&clients->mutex);
	for (struct client *client = clients->first; client; client = client->next)
		if (!idle_only || atomic_load(&client->phase) == CLIENT_IDLE)
			shutdown(client->fd, SHUT_RDWR);
	pthread_mutex_unlock(&clients->mutex);
}

static bool wait_until_done(struct api_server *server, uint64_t seconds)
{
	int64_t until_ms = now_ms() + (int64_t)seconds * 1000;
	const struct timespec moment = {.tv_nsec = 5000000};

	while (atomic_load(&server->running) && now_ms() < until_ms)
		nanosleep(&moment, NULL);
	return atomic_load(&server->running) == 0;
}

bool api_server_stop(struct api_server *server)
{
	if (!server->daemon)
		return true;
	atomic_store(&server->is_stopping, true);
	MHD_socket listener = MHD_quiesce_daemon(server->daemon);
	if (listener != MHD_INVALID_SOCKET)
		close(listener);
	close_clients(server->clients, true);
	bool is_done = wait_until_done(server, server->settings.limits.drain_seconds);
	if (!is_done) {
		close_clients(server->clients, false);
		wait_until_done(server, 1);
	}
	workers_stop(server->workers);
	MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
	return is_done;
}

void api_server_free(struct api_server *server)
{
	if (!server)
		return;
	api_server_stop(server);
	workers_free(server->workers);
	clients_free(server->clients);
	metrics_free(server->metrics);
	log_free(server->log);
	aws_policy_free(server->allow_all);
	aws_signing_keys_free(server->keys);
	free(server->account);
	free(server->region);
	free(server->endpoint);
	free(server);
}

const char *api_server_endpoint(const struct api_server *server)
{
	return server->endpoint;
}

struct str api_server_account(const struct api_server *server)
{
	return str_from(server->account);
}

struct str api_server_region(const struct api_server *server)
{
	return str_from(server->region);
}

void api_metrics_register(
	struct api_server *server, void (*write)(void *context, struct buf *lines), void *context)
{
	metrics_register(server->metrics, write, context);
}
