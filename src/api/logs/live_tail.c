/* StartLiveTail: events as they come, in an event stream (CloudWatch Logs user guide, "Live Tail").
 *
 * A put hands its events to the sessions of its group, which keep what their filter lets through:
 * at most UPDATE_MAX between two updates, chosen by chance where there are more. One thread makes
 * an update of each session every second and wakes its connection, which sleeps in between; no
 * session has a thread. A client that has not taken the last update gets none, so that a session
 * never holds more than one update and one second of events; one that takes nothing for STALL_MS is
 * cut off.
 *
 * Locks: the list's (reading: puts; writing: sessions that come and go, the clock), then a
 * session's. The exchange of a session is the server's until end takes the session off the list. */
#include "api/logs/logs_priv.h"

#include "api/logs/logs_shape.h"
#include "api/protocol/eventstream.h"
#include "aws/digest.h"
#include "base/clock.h"

#include <pthread.h>

enum {
	SESSIONS_MAX = 256,
	UPDATE_MAX = 500,
	UPDATE_MS = 1000,
	STALL_MS = 30000,
	GROUPS_MAX = 10,
	TIME_MAX_MS = 3 * 3600000
};

struct tail_event {
	int64_t time_ms, ingested_ms;
	uint64_t order;
	char *stream, *message;
	size_t message_size;
	size_t group;
};

struct session {
	struct session *next;
	struct live_tails *tails;
	struct api_exchange *exchange;
	const struct shape_operation *operation;
	json_t *start; /* members of sessionStart */
	struct query_pattern *pattern;
	char *groups[GROUPS_MAX];
	int64_t ids[GROUPS_MAX];
	size_t group_count;
	const json_t *streams, *prefixes; /* of start; NULL: all */
	int64_t started_ms, next_ms, taken_ms;
	pthread_mutex_t lock; /* what follows */
	struct tail_event *events;
	size_t count;
	uint64_t seen;
	uint64_t random;
	struct buf frames;
	size_t taken;
	bool is_waiting, is_over;
};

struct live_tails {
	struct str account;
	int64_t time_max_ms;
	pthread_rwlock_t lock;
	struct session *first;
	_Atomic size_t count;
	pthread_t thread;
	pthread_mutex_t clock_lock;
	pthread_cond_t changed;
	bool is_stopping, has_changed;
};

/* ---- events come ---- */

static bool wants_stream(const struct session *session, struct str stream)
{
	json_t *item;
	size_t i;

	json_array_foreach(session->streams, i, item)
	{
		if (str_equal(stream, logs_string(item)))
			return true;
	}
	json_array_foreach(session->prefixes, i, item)
	{
		if (str_starts_with(stream, logs_string(item)))
			return true;
	}
	return !session->streams && !session->prefixes;
}

/* Lock held. NULL: not among those that are kept. Each of the events seen has the same chance. */
static struct tail_event *place_for(struct session *session)
{
	uint64_t at = session->seen++;

	if (at < UPDATE_MAX) {
		session->count++;
		return &session->events[at];
	}
	session->random = session->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	uint64_t chosen = (session->random >> 16) % session->seen;
	if (chosen >= UPDATE_MAX)
		return NULL;
	free(session->events[chosen].stream);
	free(session->events[chosen].message);
	return &session->events[chosen];
}

static void offer(struct session *session, size_t group, struct str stream,
	const struct store_log_event *events, size_t count, int64_t now_ms)
{
	if (!wants_stream(session, stream))
		return;
	for (size_t i = 0; i < count; i++) {
		if (!query_pattern_matches(session->pattern, events[i].message))
			continue;
		pthread_mutex_lock(&session->lock);
		struct tail_event *event = place_for(session);
		if (event) {
			struct str message = events[i].message;
			*event = (struct tail_event){.time_ms = events[i].time_ms,
				.ingested_ms = now_ms,
				.order = session->seen,
				.stream = mem_printf("%.*s", STR_ARG(stream)),
				.message = mem_new(message.n + 1, 1),
				.message_size = message.n,
				.group = group};
			memcpy(event->message, message.p, message.n);
		}
		pthread_mutex_unlock(&session->lock);
	}
}

void logs_live_tails_offer(const struct logs *logs, int64_t group, struct str stream,
	const struct store_log_event *events, size_t count, int64_t now_ms)
{
	struct live_tails *tails = logs->live_tails;

	if (!tails->count)
		return;
	pthread_rwlock_rdlock(&tails->lock);
	for (struct session *session = tails->first; session; session = session->next)
		for (size_t i = 0; i < session->group_count; i++)
			if (session->ids[i] == group)
				offer(session, i, stream, events, count, now_ms);
	pthread_rwlock_unlock(&tails->lock);
}

/* ---- updates ---- */

static void drop_events(struct session *session)
{
	for (size_t i = 0; i < session->count; i++) {
		free(session->events[i].stream);
		free(session->events[i].message);
	}
	session->count = 0;
	session->seen = 0;
}

static int compare_events(const void *a, const void *b)
{
	const struct tail_event *left = a, *right = b;

	if (left->time_ms != right->time_ms)
		return left->time_ms < right->time_ms ? -1 : 1;
	return (left->order > right->order) - (left->order < right->order);
}

/* Lock held. */
static json_t *update_of(struct session *session)
{
	json_t *results = json_array();

	qsort(session->events, session->count, sizeof(*session->events), compare_events);
	for (size_t i = 0; i < session->count; i++) {
		const struct tail_event *event = &session->events[i];
		json_t *item = json_pack("{s:s, s:I, s:I}", "logStreamName", event->stream,
			"timestamp", (json_int_t)event->time_ms, "ingestionTime",
			(json_int_t)event->ingested_ms);
		json_object_set_new(item, "message",
			logs_json((struct str){event->message, event->message_size}));
		json_object_set_new(item, "logGroupIdentifier",
			logs_format("%.*s:%s", STR_ARG(session->tails->account),
				session->groups[event->group]));
		json_array_append_new(results, item);
	}
	json_t *update = json_pack("{s:{s:b}, s:o}", "sessionMetadata", "sampled",
		session->seen > UPDATE_MAX, "sessionResults", results);
	drop_events(session);
	return update;
}

/* Lock held. */
static void add_frame(struct session *session, const char *name, json_t *members)
{
	eventstream_add_event(
		&session->frames, SHAPE_AWS_JSON_1_1, session->operation, name, members);
	json_decref(members);
}

/* Lock held. */
static void wake(struct session *session)
{
	if (!session->is_waiting)
		return;
	session->is_waiting = false;
	api_stream_wake(session->exchange);
}

/* What is due now; the moment of the next update. */
static int64_t advance(struct session *session, int64_t now_ms)
{
	pthread_mutex_lock(&session->lock);
	bool is_taken = session->taken == session->frames.n;
	if (session->is_over) {
		session->next_ms = INT64_MAX;
	} else if (api_is_stopping(session->exchange)) {
		session->is_over = true;
		wake(session);
	} else if (now_ms >= session->next_ms) {
		session->next_ms += UPDATE_MS;
		if (session->next_ms <= now_ms)
			session->next_ms = now_ms + UPDATE_MS;
		if (!is_taken) {
			if (now_ms - session->taken_ms > STALL_MS)
				api_stream_cut(session->exchange);
		} else if (now_ms - session->started_ms >= session->tails->time_max_ms) {
			add_frame(session, "SessionTimeoutException",
				json_pack("{s:s}", "message", "Session timed out."));
			session->is_over = true;
			wake(session);
		} else {
			add_frame(session, "sessionUpdate", update_of(session));
			wake(session);
		}
	}
	int64_t next_ms = session->next_ms;
	pthread_mutex_unlock(&session->lock);
	return next_ms;
}

static int64_t mono_ms(void)
{
	return clock_mono_ns() / 1000000;
}

static int64_t advance_all(struct live_tails *tails)
{
	enum { LOOK_MS = 200 }; /* whether the server stops */
	int64_t now_ms = mono_ms(), next_ms = now_ms + (tails->count ? LOOK_MS : 3600000);

	pthread_rwlock_rdlock(&tails->lock);
	for (struct session *session = tails->first; session; session = session->next) {
		int64_t at_ms = advance(session, now_ms);
		next_ms = at_ms < next_ms ? at_ms : next_ms;
	}
	pthread_rwlock_unlock(&tails->lock);
	return next_ms;
}

static void *clock_main(void *context)
{
	struct live_tails *tails = context;

	pthread_mutex_lock(&tails->clock_lock);
	while (!tails->is_stopping) {
		tails->has_changed = false;
		pthread_mutex_unlock(&tails->clock_lock);
		int64_t next_ms = advance_all(tails);
		const struct timespec until = {
			.tv_sec = next_ms / 1000, .tv_nsec = next_ms % 1000 * 1000000};
		pthread_mutex_lock(&tails->clock_lock);
		if (!tails->is_stopping && !tails->has_changed)
			pthread_cond_timedwait(&tails->changed, &tails->clock_lock, &until);
	}
	pthread_mutex_unlock(&tails->clock_lock);
	return NULL;
}

/* ---- the connection ---- */

static ssize_t read_frames(void *context, char *bytes, size_t n)
{
	struct session *session = context;
	ssize_t result;

	pthread_mutex_lock(&session->lock);
	size_t left = session->frames.n - session->taken;
	if (left) {
		size_t part = left < n ? left : n;
		memcpy(bytes, session->frames.p + session->taken, part);
		session->taken += part;
		session->taken_ms = mono_ms();
		if (session->taken == session->frames.n)
			session->taken = session->frames.n = 0;
		result = (ssize_t)part;
	} else if (session->is_over) {
		result = 0;
	} else {
		session->is_waiting = true;
		api_stream_wait(session->exchange);
		result = API_STREAM_WAIT;
	}
	pthread_mutex_unlock(&session->lock);
	return result;
}

static void session_free(struct session *session)
{
	drop_events(session);
	for (size_t i = 0; i < session->group_count; i++)
		free(session->groups[i]);
	free(session->events);
	json_decref(session->start);
	query_pattern_free(session->pattern);
	buf_done(&session->frames);
	pthread_mutex_destroy(&session->lock);
	free(session);
}

static void end_session(void *context)
{
	struct session *session = context;
	struct live_tails *tails = session->tails;

	pthread_rwlock_wrlock(&tails->lock);
	for (struct session **place = &tails->first; *place; place = &(*place)->next) {
		if (*place == session) {
			*place = session->next;
			tails->count--;
			break;
		}
	}
	pthread_rwlock_unlock(&tails->lock);
	session_free(session);
}

/* ---- StartLiveTail ---- */

static int read_groups(
	const struct api_call *call, struct session *session, struct aws_error *error)
{
	const json_t *identifiers = json_object_get(call->input, "logGroupIdentifiers");
	struct str name;
	json_t *item;
	size_t i;

	json_array_foreach(identifiers, i, item)
	{
		_cleanup_(store_log_group_done) struct store_log_group group = {0};
		if (!logs_parse_group(logs_of(call), logs_string(item), &name))
			return logs_refuse(error,
				"The logGroupIdentifier is no log group of this account: %s",
				json_string_value(item));
		if (store_log_group_get(logs_of(call)->events, name, &group, error) < 0)
			return -1;
		session->groups[session->group_count] = mem_printf("%.*s", STR_ARG(name));
		session->ids[session->group_count++] = group.id;
	}
	return 0;
}

static int read_input(const struct api_call *call, struct session *session, struct aws_error *error)
{
	const json_t *streams = json_object_get(call->input, "logStreamNames");
	const json_t *prefixes = json_object_get(call->input, "logStreamNamePrefixes");

	if (json_array_size(streams) && json_array_size(prefixes))
		return logs_refuse(error,
			"Only one of logStreamNames or logStreamNamePrefixes can be provided.");
	if (read_groups(call, session, error) < 0)
		return -1;
	if (session->group_count > 1 && (json_array_size(streams) || json_array_size(prefixes)))
		return logs_refuse(error,
			"logStreamNames and logStreamNamePrefixes can only be used with a single log group.");
	return logs_pattern(logs_text(call, "logEventFilterPattern"), &session->pattern, error);
}

static void describe_start(const struct api_call *call, struct session *session)
{
	static const char *const lists[] = {
		"logGroupIdentifiers", "logStreamNames", "logStreamNamePrefixes"};
	struct str pattern = logs_text(call, "logEventFilterPattern");
	char id[37];

	logs_make_id(id);
	session->start =
		json_pack("{s:s, s:s}", "requestId", call->exchange->request_id, "sessionId", id);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		json_t *list = json_deep_copy(json_object_get(call->input, lists[i]));
		json_object_set_new(session->start, lists[i], list ? list : json_array());
	}
	json_object_set_new(session->start, "logEventFilterPattern", logs_json(pattern));
	session->streams = json_object_get(session->start, lists[1]);
	session->prefixes = json_object_get(session->start, lists[2]);
	if (!json_array_size(session->streams))
		session->streams = NULL;
	if (!json_array_size(session->prefixes))
		session->prefixes = NULL;
}

static int begin(struct session *session, struct aws_error *error)
{
	struct live_tails *tails = session->tails;

	pthread_rwlock_wrlock(&tails->lock);
	bool is_full = tails->count == SESSIONS_MAX;
	if (!is_full) {
		session->next = tails->first;
		tails->first = session;
		tails->count++;
	}
	pthread_rwlock_unlock(&tails->lock);
	if (is_full)
		return aws_error_set(error, AWS_ERROR_LIMIT_EXCEEDED_EXCEPTION,
			"There are %d Live Tail sessions, and no more at a time.", SESSIONS_MAX);
	pthread_mutex_lock(&tails->clock_lock);
	tails->has_changed = true;
	pthread_cond_signal(&tails->changed);
	pthread_mutex_unlock(&tails->clock_lock);
	return 0;
}

LOGS_HANDLER(logs_start_live_tail)
{
	struct session *session = mem_new(1, sizeof(*session));

	session->tails = logs_of(call)->live_tails;
	session->exchange = call->exchange;
	session->operation = shape_find_operation(&logs_shape, STR("StartLiveTail"));
	session->started_ms = session->taken_ms = mono_ms();
	session->next_ms = session->started_ms + UPDATE_MS;
	session->events = mem_new(UPDATE_MAX, sizeof(*session->events));
	aws_random(&session->random, sizeof(session->random));
	pthread_mutex_init(&session->lock, NULL);
	describe_start(call, session);
	if (read_input(call, session, error) < 0) {
		session_free(session);
		return -1;
	}
	eventstream_add_initial(&session->frames, SHAPE_AWS_JSON_1_1, session->operation, NULL);
	add_frame(session, "sessionStart", json_incref(session->start));
	if (begin(session, error) < 0) {
		session_free(session);
		return -1;
	}
	const struct api_stream stream = {.read = read_frames,
		.end = end_session,
		.context = session,
		.length = -1,
		.is_quick = true};
	api_answer_stream(call->exchange, 200, EVENTSTREAM_CONTENT_TYPE, &stream);
	call->is_answered = true;
	return 0;
}

/* ---- start and stop ---- */

int logs_live_tails_start(struct logs *logs, struct err *err)
{
	struct live_tails *tails = mem_new(1, sizeof(*tails));
	pthread_condattr_t monotonic;

	tails->account = logs->account;
	tails->time_max_ms = logs->live_tail_ms ? logs->live_tail_ms : TIME_MAX_MS;
	pthread_rwlock_init(&tails->lock, NULL);
	pthread_mutex_init(&tails->clock_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&tails->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int result = pthread_create(&tails->thread, NULL, clock_main, tails);
	if (result) {
		free(tails);
		return err_set_errno(err, result, "the thread of Live Tail");
	}
	logs->live_tails = tails;
	return 0;
}

/* The server has stopped: there are no sessions. */
void logs_live_tails_stop(struct logs *logs)
{
	struct live_tails *tails = take(logs->live_tails);

	if (!tails)
		return;
	pthread_mutex_lock(&tails->clock_lock);
	tails->is_stopping = true;
	pthread_cond_signal(&tails->changed);
	pthread_mutex_unlock(&tails->clock_lock);
	pthread_join(tails->thread, NULL);
	pthread_rwlock_destroy(&tails->lock);
	pthread_mutex_destroy(&tails->clock_lock);
	pthread_cond_destroy(&tails->changed);
	free(tails);
}
