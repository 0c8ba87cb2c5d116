#include "aws/http_priv.h"

#include "base/clock.h"
#include "base/number.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define BUFFER_BYTES    (256 << 10)
#define HEAD_MAX        (256 << 10)
#define ERROR_BODY_MAX  (1 << 20) /* an error that is longer is cut */
#define MS              INT64_C(1000000)
#define CONNECTIONS_MAX 4 /* of one lane: a bucket's, an account's, a region's host */

int aws_stop_init(struct aws_stop *stop, struct err *err)
{
	atomic_init(&stop->is_set, false);
	stop->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return stop->fd >= 0 ? 0 : err_set_errno(err, errno, "eventfd");
}

void aws_stop_done(struct aws_stop *stop)
{
	if (stop->fd >= 0)
		close(stop->fd);
	stop->fd = -1;
}

void aws_stop_set(struct aws_stop *stop)
{
	const uint64_t one = 1;

	atomic_store(&stop->is_set, true);
	/* Fails only when it is readable already. */
	(void)!write(stop->fd, &one, sizeof(one));
}

bool aws_stop_is_set(const struct aws_stop *stop)
{
	return stop && atomic_load(&stop->is_set);
}

bool aws_stop_wait(const struct aws_stop *stop, int64_t ms)
{
	struct pollfd poll_fd = {.fd = stop ? stop->fd : -1, .events = POLLIN};
	int64_t end = clock_mono_ns() + ms * MS, left;

	while (!aws_stop_is_set(stop) && (left = end - clock_mono_ns()) > 0)
		poll(&poll_fd, 1, (int)(left / MS + 1));
	return aws_stop_is_set(stop);
}

/* One exchange's handles; its connections stay in the multi handle. */
struct lane {
	struct lane *next;
	CURLM *multi;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
};

struct aws_http {
	char *ca_bundle;
	unsigned connect_ms, stall_ms;
	bool is_direct;
	pthread_mutex_t lock;
	struct lane *idle; /* the last used first: its connections are the freshest */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_started;

static void start(void)
{
	is_started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

int aws_http_new(
	struct aws_http **ret_http, const struct aws_http_settings *settings, struct err *err)
{
	pthread_once(&once, start);
	if (!is_started)
		return err_set(err, ERR_SYSTEM, "libcurl does not start");
	if (settings->ca_bundle && access(settings->ca_bundle, R_OK) < 0)
		return err_set_errno(
			err, errno, "certificate authorities in %s", settings->ca_bundle);
	struct aws_http *http = mem_new(1, sizeof(*http));
	if (settings->ca_bundle)
		http->ca_bundle = mem_strdup(settings->ca_bundle);
	http->connect_ms = settings->connect_ms;
	http->stall_ms = settings->stall_ms;
	http->is_direct = settings->is_direct;
	pthread_mutex_init(&http->lock, NULL);
	*ret_http = http;
	return 0;
}

static void lane_free(struct lane *lane)
{
	if (!lane)
		return;
	curl_easy_cleanup(lane->easy);
	curl_multi_cleanup(lane->multi);
	free(lane);
}

void aws_http_free(struct aws_http *http)
{
	if (!http)
		return;
	while (http->idle) {
		struct lane *lane = http->idle;
		http->idle = lane->next;
		lane_free(lane);
	}
	pthread_mutex_destroy(&http->lock);
	free(http->ca_bundle);
	free(http);
}

static struct lane *take_lane(struct aws_http *http)
{
	pthread_mutex_lock(&http->lock);
	struct lane *lane = http->idle;
	if (lane)
		http->idle = lane->next;
	pthread_mutex_unlock(&http->lock);
	if (!lane) {
		lane = mem_new(1, sizeof(*lane));
		lane->multi = curl_multi_init();
		lane->easy = curl_easy_init();
		assert(lane->multi && lane->easy); /* only memory can be missing */
		curl_multi_setopt(lane->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX);
	}
	return lane;
}

static void give_lane(struct aws_http *http, struct lane *lane)
{
	pthread_mutex_lock(&http->lock);
	lane->next = http->idle;
	http->idle = lane;
	pthread_mutex_unlock(&http->lock);
}

struct exchange {
	const struct aws_http_request *request;
	struct aws_http_result *result;
	struct lane *lane;
	uint64_t sent;
	int64_t moved_ns; /* when a byte last went either way */
	bool is_head_whole;
	enum aws_http_failure own; /* why a callback refused */
};

static size_t send_body(char *buffer, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	const struct aws_http_request *request = exchange->request;
	size_t room = size * count, n = 0;

	exchange->moved_ns = clock_mono_ns();
	if (request->body_size > 0) {
		uint64_t left = request->body_size - exchange->sent;
		size_t want = left < room ? (size_t)left : room;
		ssize_t got =
			want ? pread(request->body_fd, buffer, want, (off_t)exchange->sent) : 0;
		if (got < 0 || (got == 0 && want)) {
			snprintf(exchange->result->detail, sizeof(exchange->result->detail),
				"reading what is to be sent: %s",
				got < 0 ? strerror(errno) : "it has become shorter");
			exchange->own = AWS_HTTP_UNREADABLE;
			return CURL_READFUNC_ABORT;
		}
		n = (size_t)got;
	} else {
		size_t left = request->body.n - exchange->sent;
		n = left < room ? left : room;
		if (n)
			memcpy(buffer, request->body.p + exchange->sent, n);
	}
	exchange->sent += n;
	return n;
}

static int seek_body(void *context, curl_off_t offset, int origin)
{
	struct exchange *exchange = context;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_CANTSEEK;
	exchange->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* "HTTP/1.1 200 OK" */
static int status_of(struct str line)
{
	struct str word = line;
	uint64_t status;

	str_split(&line, ' ', &word);
	if (!str_split(&line, ' ', &word))
		return 0;
	while (word.n && (word.p[word.n - 1] == '\r' || word.p[word.n - 1] == '\n'))
		word.n--;
	return number_parse(word, 999, &status) ? (int)status : 0;
}

static size_t receive_head(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	struct aws_http_result *result = exchange->result;
	struct str line = {bytes, size * count};

	exchange->moved_ns = clock_mono_ns();
	/* "100 Continue" before the answer is not the answer; trailers behind it are of no use. */
	if (str_starts_with(line, STR("HTTP/"))) {
		result->head.n = 0;
		result->status = status_of(line);
		exchange->is_head_whole = false;
	}
	if (exchange->is_head_whole)
		return line.n;
	if (result->head.n + line.n > HEAD_MAX) {
		exchange->own = AWS_HTTP_TOO_LARGE;
		return 0;
	}
	buf_add_str(&result->head, line);
	if (line.n == 2 && line.p[0] == '\r')
		exchange->is_head_whole = true;
	return line.n;
}

/* What the answer says it will be; once, so that it does not grow step by step. */
static void reserve_body(struct exchange *exchange, size_t max)
{
	curl_off_t length = -1;

	if (curl_easy_getinfo(exchange->lane->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) ==
			CURLE_OK &&
		length > 0)
		buf_reserve(&exchange->result->body, (size_t)length < max ? (size_t)length : max);
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	const struct aws_http_request *request = exchange->request;
	struct aws_http_result *result = exchange->result;
	size_t n = size * count;
	bool is_good = result->status >= 200 && result->status < 300;

	exchange->moved_ns = clock_mono_ns();
	if (is_good && request->data) {
		int said = n ? request->data(request->context, (struct str){bytes, n}) : 0;
		exchange->moved_ns = clock_mono_ns(); /* its time is not the network's */
		if (said < 0)
			exchange->own = AWS_HTTP_UNWANTED;
		return said < 0 ? CURL_WRITEFUNC_ERROR : n;
	}
	size_t max = is_good ? request->answer_max : ERROR_BODY_MAX;
	if (n > max - result->body.n) {
		if (!is_good)
			return n;
		exchange->own = AWS_HTTP_TOO_LARGE;
		snprintf(result->detail, sizeof(result->detail),
			"the answer has more than %zu bytes", max);
		return CURL_WRITEFUNC_ERROR;
	}
	if (result->body.n == 0)
		reserve_body(exchange, max);
	buf_add(&result->body, bytes, n);
	return n;
}

/* NULL: a header that would be two. */
static struct curl_slist *make_headers(const struct aws_http_request *request)
{
	_cleanup_buf_ struct buf line = {0};
	struct curl_slist *list = NULL;

	for (size_t i = 0; i < request->header_count; i++) {
		const struct aws_header *header = &request->headers[i];
		line.n = 0;
		buf_add_str(&line, header->name);
		buf_add_text(&line, header->value.n ? ": " : ";");
		buf_add_str(&line, header->value);
		if (strpbrk(buf_text(&line), "\r\n") || strlen(buf_text(&line)) != line.n) {
			curl_slist_free_all(list);
			return NULL;
		}
		list = curl_slist_append(list, buf_text(&line));
		assert(list);
	}
	OPENSSL_cleanse(line.p, line.n);
	return list;
}

static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A look-up of a name that nobody waits for any more ends by itself. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
}

static void set_connection(const struct aws_http *http, struct lane *lane)
{
	CURL *easy = lane->easy;

	curl_easy_reset(easy);
	set_protocols(easy);
	lane->error[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, lane->error);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "nagare/" NAGARE_VERSION);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_ms);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
	curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_BYTES);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (http->ca_bundle)
		curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_bundle);
	if (http->is_direct)
		curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

static void set_request(struct exchange *exchange, struct curl_slist *headers)
{
	const struct aws_http_request *request = exchange->request;
	CURL *easy = exchange->lane->easy;
	curl_off_t size =
		(curl_off_t)(request->body_size > 0 ? request->body_size : request->body.n);

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	if (strcmp(request->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (size > 0 || strcmp(request->method, "POST") == 0 ||
		   strcmp(request->method, "PUT") == 0) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, send_body);
		curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_head);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
}

static const struct {
	CURLcode code;
	enum aws_http_failure failure;
} failures[] = {
	{CURLE_OK, AWS_HTTP_DONE},
	{CURLE_COULDNT_RESOLVE_HOST, AWS_HTTP_UNRESOLVED},
	{CURLE_COULDNT_RESOLVE_PROXY, AWS_HTTP_UNRESOLVED},
	{CURLE_COULDNT_CONNECT, AWS_HTTP_UNCONNECTED},
	{CURLE_OPERATION_TIMEDOUT, AWS_HTTP_UNCONNECTED},
	{CURLE_PEER_FAILED_VERIFICATION, AWS_HTTP_UNTRUSTED},
	{CURLE_SSL_CACERT_BADFILE, AWS_HTTP_UNTRUSTED},
	{CURLE_SSL_ISSUER_ERROR, AWS_HTTP_UNTRUSTED},
	{CURLE_SSL_CONNECT_ERROR, AWS_HTTP_NO_TLS},
	{CURLE_GOT_NOTHING, AWS_HTTP_BROKEN},
	{CURLE_SEND_ERROR, AWS_HTTP_BROKEN},
	{CURLE_RECV_ERROR, AWS_HTTP_BROKEN},
	{CURLE_PARTIAL_FILE, AWS_HTTP_BROKEN},
	{CURLE_SEND_FAIL_REWIND, AWS_HTTP_BROKEN},
};

static void conclude(struct exchange *exchange, CURLcode code)
{
	struct aws_http_result *result = exchange->result;
	long size = 0;

	result->failure = AWS_HTTP_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].code == code)
			result->failure = failures[i].failure;
	if (curl_easy_getinfo(exchange->lane->easy, CURLINFO_REQUEST_SIZE, &size) == CURLE_OK)
		result->is_sent = size > 0;
	if (exchange->own != AWS_HTTP_DONE)
		result->failure = exchange->own;
	else if (result->failure == AWS_HTTP_BROKEN && result->status >= 300 &&
		 exchange->is_head_whole)
		/* Refused before all was sent: what came is the answer. */
		result->failure = AWS_HTTP_DONE;
	if (result->failure != AWS_HTTP_DONE && !result->detail[0])
		snprintf(result->detail, sizeof(result->detail), "%s",
			exchange->lane->error[0] ? exchange->lane->error
						 : curl_easy_strerror(code));
}

/* Returns when the exchange is over, for whatever reason. */
static void drive(struct exchange *exchange, const struct aws_stop *stop, unsigned stall_ms)
{
	struct curl_waitfd wait = {.fd = stop ? stop->fd : -1, .events = CURL_WAIT_POLLIN};
	struct aws_http_result *result = exchange->result;
	CURLM *multi = exchange->lane->multi;
	int running = 1, left;

	for (;;) {
		CURLMcode code = curl_multi_perform(multi, &running);
		int64_t quiet_ms = (clock_mono_ns() - exchange->moved_ns) / MS;
		if (aws_stop_is_set(stop)) {
			result->failure = AWS_HTTP_STOPPED;
			break;
		} else if (code != CURLM_OK) {
			result->failure = AWS_HTTP_OTHER;
			snprintf(result->detail, sizeof(result->detail), "%s",
				curl_multi_strerror(code));
			break;
		} else if (!running) {
			break;
		} else if (quiet_ms >= stall_ms) {
			conclude(exchange, CURLE_OPERATION_TIMEDOUT);
			result->failure = result->is_sent ? AWS_HTTP_STALLED : AWS_HTTP_UNCONNECTED;
			snprintf(result->detail, sizeof(result->detail),
				"nothing has come for %u ms", stall_ms);
			break;
		}
		int64_t timeout = stall_ms - quiet_ms;
		curl_multi_poll(multi, &wait, wait.fd >= 0 ? 1 : 0,
			timeout < 1000 ? (int)timeout : 1000, NULL);
	}
	CURLMsg *message;
	while ((message = curl_multi_info_read(multi, &left)))
		if (message->msg == CURLMSG_DONE && !running)
			conclude(exchange, message->data.result);
}

void aws_http_exchange(struct aws_http *http, const struct aws_stop *stop,
	const struct aws_http_request *request, struct aws_http_result *ret_result)
{
	struct curl_slist *headers = make_headers(request);

	*ret_result = (struct aws_http_result){.failure = AWS_HTTP_OTHER};
	if (!headers) {
		snprintf(ret_result->detail, sizeof(ret_result->detail),
			"a header with a line end in it");
		return;
	}
	struct lane *lane = take_lane(http);
	struct exchange exchange = {.request = request,
		.result = ret_result,
		.lane = lane,
		.moved_ns = clock_mono_ns()};
	set_connection(http, lane);
	set_request(&exchange, headers);
	curl_multi_add_handle(lane->multi, lane->easy);
	drive(&exchange, stop, http->stall_ms);
	curl_multi_remove_handle(lane->multi, lane->easy);
	curl_easy_reset(lane->easy); /* forgets the headers, which are freed */
	for (struct curl_slist *header = headers; header; header = header->next)
		OPENSSL_cleanse(header->data, strlen(header->data));
	curl_slist_free_all(headers);
	give_lane(http, lane);
}

void aws_http_result_done(struct aws_http_result *result)
{
	if (result->body.p)
		OPENSSL_cleanse(result->body.p, result->body.n);
	buf_done(&result->body);
	buf_done(&result->head);
}

struct str aws_http_header(struct str head, struct str name)
{
	struct str line, field;

	while (str_split(&head, '\n', &line)) {
		if (line.n && line.p[line.n - 1] == '\r')
			line.n--;
		if (line.n > name.n && line.p[name.n] == ':' && str_split(&line, ':', &field) &&
			str_equal_ignoring_case(field, name))
			return str_trim(line);
	}
	return STR_NONE;
}
