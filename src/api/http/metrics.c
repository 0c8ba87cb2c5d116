/* Counters in Prometheus' text format (prometheus.io, "Exposition formats", version 0.0.4). A row a
 * service, operation and status; what finds no row counts as "other", so that clients cannot fill
 * memory with names. */
#include "api/http/http_priv.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>

#define ROWS_MAX    1024 /* a power of two; half of it is used at most */
#define WRITERS_MAX 16
#define REASONS_MAX 16
#define BUCKETS     11

static const double bounds[BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30};

struct row {
	const char *service, *operation; /* static text; NULL: free */
	int status;
	uint64_t count;
	uint64_t buckets[BUCKETS];
	double seconds;
};

struct metrics {
	pthread_mutex_t mutex;
	struct row rows[ROWS_MAX];
	struct row other;
	size_t used;
	uint64_t bytes_in, bytes_out;
	struct {
		const char *reason;
		uint64_t count;
	} refused[REASONS_MAX];
	struct {
		void (*write)(void *context, struct buf *lines);
		void *context;
	} writers[WRITERS_MAX];
	size_t writer_count;
	atomic_int connections;
};

struct metrics *metrics_new(void)
{
	struct metrics *metrics = mem_new(1, sizeof(*metrics));

	pthread_mutex_init(&metrics->mutex, NULL);
	metrics->other.service = metrics->other.operation = "other";
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	pthread_mutex_destroy(&metrics->mutex);
	free(metrics);
}

static bool is_row(const struct row *row, const char *service, const char *operation, int status)
{
	return row->status == status && strcmp(row->operation, operation) == 0 &&
	       strcmp(row->service, service) == 0;
}

static struct row *find_row(
	struct metrics *metrics, const char *service, const char *operation, int status)
{
	uint64_t hash = hash_bytes(operation, strlen(operation), (uint64_t)status);

	hash = hash_bytes(service, strlen(service), hash);
	for (size_t i = hash % ROWS_MAX;; i = (i + 1) % ROWS_MAX) {
		struct row *row = &metrics->rows[i];
		if (row->service && is_row(row, service, operation, status))
			return row;
		if (row->service)
			continue;
		if (metrics->used >= ROWS_MAX / 2)
			return &metrics->other;
		*row = (struct row){.service = service, .operation = operation, .status = status};
		metrics->used++;
		return row;
	}
}

void metrics_request(struct metrics *metrics, const struct request *request, int64_t duration_ns)
{
	const struct api_exchange *exchange = &request->exchange;
	const char *service = exchange->service ? exchange->service->name : "server";
	const char *operation = exchange->operation ? exchange->operation : "unknown";
	double seconds = (double)duration_ns / 1e9;

	pthread_mutex_lock(&metrics->mutex);
	struct row *row = find_row(metrics, service, operation, request->answer.status);
	row->count++;
	row->seconds += seconds;
	for (int i = 0; i < BUCKETS; i++)
		row->buckets[i] += seconds <= bounds[i];
	metrics->bytes_in += request->body.received;
	metrics->bytes_out += request->answer.bytes;
	pthread_mutex_unlock(&metrics->mutex);
}

void metrics_refused(struct metrics *metrics, const char *reason)
{
	pthread_mutex_lock(&metrics->mutex);
	for (int i = 0; i < REASONS_MAX; i++) {
		if (metrics->refused[i].reason && metrics->refused[i].reason != reason)
			continue;
		metrics->refused[i].reason = reason;
		metrics->refused[i].count++;
		break;
	}
	pthread_mutex_unlock(&metrics->mutex);
}

void metrics_connections(struct metrics *metrics, int change)
{
	atomic_fetch_add(&metrics->connections, change);
}

void metrics_register(
	struct metrics *metrics, void (*write)(void *context, struct buf *lines), void *context)
{
	pthread_mutex_lock(&metrics->mutex);
	if (metrics->writer_count < WRITERS_MAX) {
		metrics->writers[metrics->writer_count].write = write;
		metrics->writers[metrics->writer_count++].context = context;
	}
	pthread_mutex_unlock(&metrics->mutex);
}

static void head(struct buf *lines, const char *name, const char *type, const char *help)
{
	buf_printf(lines, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_labels(struct buf *lines, const struct row *row)
{
	buf_printf(lines, "service=\"%s\",operation=\"%s\",status=\"%d\"", row->service,
		row->operation, row->status);
}

static void write_row(struct buf *lines, const struct row *row)
{
	for (int i = 0; i <= BUCKETS; i++) {
		buf_add_text(lines, "nagare_request_seconds_bucket{");
		write_labels(lines, row);
		if (i < BUCKETS)
			buf_printf(lines, ",le=\"%g\"} %" PRIu64 "\n", bounds[i], row->buckets[i]);
		else
			buf_printf(lines, ",le=\"+Inf\"} %" PRIu64 "\n", row->count);
	}
	buf_add_text(lines, "nagare_request_seconds_sum{");
	write_labels(lines, row);
	buf_printf(lines, "} %.9g\nnagare_request_seconds_count{", row->seconds);
	write_labels(lines, row);
	buf_printf(lines, "} %" PRIu64 "\n", row->count);
}

static void write_rows(const struct metrics *metrics, struct buf *lines)
{
	head(lines, "nagare_requests_total", "counter", "Requests answered.");
	for (size_t i = 0; i <= ROWS_MAX; i++) {
		const struct row *row = i < ROWS_MAX ? &metrics->rows[i] : &metrics->other;
		if (!row->count)
			continue;
		buf_add_text(lines, "nagare_requests_total{");
		write_labels(lines, row);
		buf_printf(lines, "} %" PRIu64 "\n", row->count);
	}
	head(lines, "nagare_request_seconds", "histogram",
		"Seconds from the request line to the end of the answer.");
	for (size_t i = 0; i <= ROWS_MAX; i++) {
		const struct row *row = i < ROWS_MAX ? &metrics->rows[i] : &metrics->other;
		if (row->count)
			write_row(lines, row);
	}
}

void metrics_write(struct metrics *metrics, struct buf *lines)
{
	head(lines, "nagare_build_info", "gauge", "Constant 1; what runs.");
	buf_printf(lines, "nagare_build_info{version=\"%s\"} 1\n", NAGARE_VERSION);
	head(lines, "nagare_connections", "gauge", "Open connections.");
	buf_printf(lines, "nagare_connections %d\n", atomic_load(&metrics->connections));
	pthread_mutex_lock(&metrics->mutex);
	write_rows(metrics, lines);
	head(lines, "nagare_received_bytes_total", "counter", "Bytes of request bodies, as sent.");
	buf_printf(lines, "nagare_received_bytes_total %" PRIu64 "\n", metrics->bytes_in);
	head(lines, "nagare_sent_bytes_total", "counter", "Bytes of answers, without headers.");
	buf_printf(lines, "nagare_sent_bytes_total %" PRIu64 "\n", metrics->bytes_out);
	head(lines, "nagare_refused_total", "counter", "Connections given up, by reason.");
	for (int i = 0; i < REASONS_MAX && metrics->refused[i].reason; i++)
		buf_printf(lines, "nagare_refused_total{reason=\"%s\"} %" PRIu64 "\n",
			metrics->refused[i].reason, metrics->refused[i].count);
	pthread_mutex_unlock(&metrics->mutex);
	for (size_t i = 0; i < metrics->writer_count; i++)
		metrics->writers[i].write(metrics->writers[i].context, lines);
}
