/* The access log, a line a request, key=value; and the error log, where a failure that repeats is
 * counted instead of printed again. Lines go out in one write each, so that they do not mix. */
#include "api/http/http_priv.h"

#include "aws/time.h"
#include "base/clock.h"
#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define REPEATS_MAX 64
#define REPEAT_NS   (10 * CLOCK_NS_PER_SECOND)

struct repeat {
	uint64_t hash;
	int64_t printed_ns;
	uint64_t silent;
};

struct log {
	int access_fd;
	bool is_quiet;
	pthread_mutex_t mutex;
	struct repeat repeats[REPEATS_MAX];
};

struct log *log_new(int access_fd, bool is_quiet)
{
	struct log *log = mem_new(1, sizeof(*log));

	log->access_fd = access_fd;
	log->is_quiet = is_quiet;
	pthread_mutex_init(&log->mutex, NULL);
	return log;
}

void log_free(struct log *log)
{
	if (!log)
		return;
	pthread_mutex_destroy(&log->mutex);
	free(log);
}

/* A log that cannot be written is no reason not to answer. */
static void write_line(int fd, struct buf *line)
{
	ssize_t written = write(fd, line->p, line->n);

	(void)written;
}

/* What clients chose, in quotes where it has spaces, and never a control character. */
static void add_value(struct buf *line, struct str value)
{
	bool is_plain = value.n > 0;

	for (size_t i = 0; i < value.n; i++)
		is_plain &= value.p[i] > ' ' && value.p[i] < 127 && value.p[i] != '"' &&
			    value.p[i] != '=' && value.p[i] != '\\';
	if (is_plain) {
		buf_add_str(line, value);
		return;
	}
	buf_add_char(line, '"');
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c < ' ' || c >= 127)
			buf_printf(line, "\\x%02x", c);
		else if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else
			buf_add_char(line, (char)c);
	}
	buf_add_char(line, '"');
}

static struct str shortened(struct str text, size_t max)
{
	return (struct str){text.p, text.n < max ? text.n : max};
}

void log_access(struct log *log, const struct request *request, int64_t duration_ns, bool is_whole)
{
	const struct api_exchange *exchange = &request->exchange;
	_cleanup_buf_ struct buf line = {0};
	char time[AWS_TIME_STR_MAX];

	if (log->access_fd < 0)
		return;
	char *end = aws_time_write_millis(time, exchange->started_ms);
	buf_printf(&line, "time=%.*s peer=%s caller=", (int)(end - time), time, exchange->peer);
	if (exchange->caller)
		add_value(&line, exchange->caller->principal.arn);
	else
		buf_add_text(&line, "-");
	buf_printf(&line, " service=%s operation=%s method=",
		exchange->service ? exchange->service->name : "-",
		exchange->operation ? exchange->operation : "-");
	add_value(&line, shortened(exchange->request.method, 32));
	buf_add_text(&line, " path=");
	add_value(&line, shortened(exchange->request.path, 512));
	buf_printf(&line, " status=%d in=%" PRIu64 " out=%" PRIu64 " ms=%.3f request=%s%s\n",
		request->answer.status, request->body.received, request->answer.bytes,
		(double)duration_ns / 1e6, exchange->request_id, is_whole ? "" : " broken=yes");
	write_line(log->access_fd, &line);
}

/* How many times it was not printed; <0: not this time either. */
static int64_t count_repeat(struct log *log, uint64_t hash)
{
	struct repeat *repeat = &log->repeats[hash % REPEATS_MAX];
	int64_t now_ns = clock_mono_ns(), silent = -1;

	pthread_mutex_lock(&log->mutex);
	if (repeat->hash == hash && now_ns - repeat->printed_ns < REPEAT_NS) {
		repeat->silent++;
	} else {
		silent = repeat->hash == hash ? (int64_t)repeat->silent : 0;
		*repeat = (struct repeat){.hash = hash, .printed_ns = now_ns};
	}
	pthread_mutex_unlock(&log->mutex);
	return silent;
}

void log_error(struct log *log, const char *where, const struct err *err)
{
	_cleanup_buf_ struct buf line = {0};
	char time[AWS_TIME_STR_MAX];

	if (!where)
		where = "server";
	int64_t silent = count_repeat(log, hash_bytes(err->message, strlen(err->message),
						   hash_bytes(where, strlen(where), 1)));
	if (log->is_quiet || silent < 0)
		return;
	char *end = aws_time_write_millis(time, clock_wall_ns() / 1000000);
	buf_printf(&line, "time=%.*s error=", (int)(end - time), time);
	add_value(&line, str_from(where));
	buf_add_text(&line, " message=");
	add_value(&line, str_from(err->message));
	if (err->hint[0]) {
		buf_add_text(&line, " hint=");
		add_value(&line, str_from(err->hint));
	}
	if (silent)
		buf_printf(&line, " repeated=%" PRId64, silent);
	buf_add_char(&line, '\n');
	write_line(STDERR_FILENO, &line);
}

void api_log_error(struct api_server *server, const char *where, const struct err *err)
{
	log_error(server->log, where, err);
}
