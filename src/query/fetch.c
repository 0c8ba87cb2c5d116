/* Fetching ahead. Objects are fetched in parts by a few threads: first what a reader waits for,
 * then the next parts of objects that are being read, then the first parts of objects that the plan
 * says come next. An object is taken up by the plan or by whoever opens it, and belongs to one
 * reader from then on. */
#include "query/remote_priv.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PEEK_BYTES  (1 << 20) /* a header line and what the reader looks at with it */
#define AHEAD_PARTS 4
#define AHEAD_MAX   64 /* objects that wait to be opened */
#define POLL_MS     100

enum part_state { PART_WANTED, PART_RUNNING, PART_READY, PART_FAILED };

struct part {
	enum part_state state;
	uint64_t offset;
	size_t length;
	struct buf bytes;
	struct err err;
};

struct fetched {
	struct fetched *next;
	struct query_fetch *fetch;
	const struct query_object *object;
	struct part parts[AHEAD_PARTS]; /* from first on, in a ring */
	unsigned first, count;
	uint64_t next_offset; /* of the part behind them */
	size_t part_bytes;
	unsigned running;
	bool is_open, is_closed, is_peek;
	size_t taken; /* of the first part, by the reader */
};

struct query_fetch {
	struct query_remote *remote;
	pthread_mutex_t lock;
	pthread_cond_t work, ready;
	const struct query_object **plan;
	size_t plan_count, plan_next;
	bool is_begun;        /* somebody has opened an object to read it */
	struct fetched *list; /* oldest first */
	unsigned waiting;     /* in the list, not open */
	size_t bytes;         /* asked for or here, and not read */
	pthread_t threads[REMOTE_THREADS];
	unsigned started;
	bool is_ending;
};

struct query_fetch *query_fetch_new(struct query_remote *remote)
{
	struct query_fetch *fetch = mem_new(1, sizeof(*fetch));
	pthread_condattr_t attributes;

	fetch->remote = remote;
	pthread_mutex_init(&fetch->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&fetch->work, &attributes);
	pthread_cond_init(&fetch->ready, &attributes);
	pthread_condattr_destroy(&attributes);
	return fetch;
}

/* ---- all below: locked, unless it says otherwise ---- */

/* The parts that may be asked for now; the reader's own always is one of them. */
static void want_parts(struct fetched *fetched)
{
	while (fetched->count < AHEAD_PARTS && fetched->next_offset < fetched->object->size_bytes) {
		uint64_t left = fetched->object->size_bytes - fetched->next_offset;
		size_t length = left < fetched->part_bytes ? (size_t)left : fetched->part_bytes;
		bool is_first = fetched->count == 0;
		/* Before it is open only its beginning. */
		if (!is_first && (!fetched->is_open || fetched->is_peek ||
					 fetched->fetch->bytes + length > REMOTE_AHEAD_BYTES))
			return;
		struct part *part =
			&fetched->parts[(fetched->first + fetched->count++) % AHEAD_PARTS];
		*part = (struct part){
			.state = PART_WANTED, .offset = fetched->next_offset, .length = length};
		fetched->next_offset += length;
		fetched->part_bytes = REMOTE_PART_BYTES;
		fetched->fetch->bytes += length;
		pthread_cond_signal(&fetched->fetch->work);
	}
}

static struct fetched *add(
	struct query_fetch *fetch, const struct query_object *object, size_t part_bytes)
{
	struct fetched *fetched = mem_new(1, sizeof(*fetched)), **place = &fetch->list;

	fetched->fetch = fetch;
	fetched->object = object;
	fetched->part_bytes = part_bytes;
	while (*place)
		place = &(*place)->next;
	*place = fetched;
	want_parts(fetched);
	return fetched;
}

static void drop_first_part(struct fetched *fetched)
{
	struct part *part = &fetched->parts[fetched->first];

	fetched->fetch->bytes -= part->length;
	buf_done(&part->bytes);
	fetched->first = (fetched->first + 1) % AHEAD_PARTS;
	fetched->count--;
	fetched->taken = 0;
}

/* When nobody uses it any more. */
static void let_go(struct fetched *fetched)
{
	struct fetched **place = &fetched->fetch->list;

	if (fetched->running)
		return;
	while (fetched->count)
		drop_first_part(fetched);
	while (*place != fetched)
		place = &(*place)->next;
	*place = fetched->next;
	free(fetched);
}

static struct fetched *plan_next(struct query_fetch *fetch)
{
	while (fetch->plan_next < fetch->plan_count &&
		fetch->plan[fetch->plan_next]->remote->is_taken)
		fetch->plan_next++;
	if (!fetch->is_begun || fetch->plan_next >= fetch->plan_count ||
		fetch->waiting >= AHEAD_MAX)
		return NULL;
	const struct query_object *object = fetch->plan[fetch->plan_next];
	size_t length = object->size_bytes < REMOTE_PART_BYTES ? (size_t)object->size_bytes
							       : REMOTE_PART_BYTES;
	if (fetch->bytes && fetch->bytes + length > REMOTE_AHEAD_BYTES)
		return NULL;
	object->remote->is_taken = true;
	fetch->waiting++;
	return add(fetch, object, REMOTE_PART_BYTES);
}

/* What a reader waits for goes first. */
static struct part *find_work(struct query_fetch *fetch, struct fetched **ret_fetched)
{
	for (unsigned pass = 0; pass < 3; pass++)
		for (struct fetched *at = fetch->list; at; at = at->next) {
			unsigned limit = pass == 0 && at->count ? 1 : at->count;
			if (at->is_closed || (pass < 2 && !at->is_open))
				continue;
			for (unsigned i = 0; i < limit; i++) {
				struct part *part = &at->parts[(at->first + i) % AHEAD_PARTS];
				if (part->state != PART_WANTED)
					continue;
				*ret_fetched = at;
				return part;
			}
		}
	struct fetched *next = plan_next(fetch);
	*ret_fetched = next;
	return next && next->count ? &next->parts[next->first] : NULL;
}

/* Not locked. */
static void *work(void *context)
{
	struct query_fetch *fetch = context;

	pthread_mutex_lock(&fetch->lock);
	while (!fetch->is_ending) {
		struct fetched *fetched;
		struct part *part = find_work(fetch, &fetched);
		if (!part) {
			pthread_cond_wait(&fetch->work, &fetch->lock);
			continue;
		}
		const struct query_remote_get get = {.object = fetched->object,
			.offset = part->offset,
			.length = part->length,
			.fd = -1,
			.is_peek = fetched->is_peek};
		part->state = PART_RUNNING;
		fetched->running++;
		pthread_mutex_unlock(&fetch->lock);
		struct buf bytes = {0};
		struct err err = ERR_INIT;
		int result = query_remote_get(fetch->remote, &get, &bytes, &err);
		pthread_mutex_lock(&fetch->lock);
		fetched->running--;
		part->bytes = bytes;
		part->err = err;
		part->state = result < 0 ? PART_FAILED : PART_READY;
		if (fetched->is_closed)
			let_go(fetched);
		pthread_cond_broadcast(&fetch->ready);
	}
	pthread_mutex_unlock(&fetch->lock);
	return NULL;
}

static void start_threads(struct query_fetch *fetch)
{
	while (fetch->started < REMOTE_THREADS &&
		pthread_create(&fetch->threads[fetch->started], NULL, work, fetch) == 0)
		fetch->started++;
}

/* ---- none below is locked ---- */

void query_fetch_free(struct query_fetch *fetch)
{
	if (!fetch)
		return;
	query_fetch_plan(fetch, NULL, 0);
	pthread_mutex_lock(&fetch->lock);
	fetch->is_ending = true;
	pthread_cond_broadcast(&fetch->work);
	pthread_mutex_unlock(&fetch->lock);
	while (fetch->started)
		pthread_join(fetch->threads[--fetch->started], NULL);
	while (fetch->list)
		let_go(fetch->list);
	free(fetch->plan);
	pthread_cond_destroy(&fetch->work);
	pthread_cond_destroy(&fetch->ready);
	pthread_mutex_destroy(&fetch->lock);
	free(fetch);
}

void query_fetch_plan(
	struct query_fetch *fetch, const struct query_object *const *objects, size_t count)
{
	pthread_mutex_lock(&fetch->lock);
	for (struct fetched *at = fetch->list, *next; at; at = next) {
		next = at->next;
		if (!at->is_open && !at->is_closed) {
			at->is_closed = true;
			let_go(at);
		}
	}
	/* Objects are the plan's: what still runs for them must end before they go. */
	for (bool is_busy = true; is_busy;) {
		is_busy = false;
		for (struct fetched *at = fetch->list; at; at = at->next)
			is_busy = is_busy || (at->is_closed && at->running);
		if (is_busy)
			pthread_cond_wait(&fetch->ready, &fetch->lock);
	}
	free(fetch->plan);
	fetch->plan = mem_new(count + 1, sizeof(*fetch->plan));
	for (size_t i = 0; i < count; i++) {
		fetch->plan[i] = objects[i];
		objects[i]->remote->is_taken = false;
	}
	fetch->is_begun = false;
	fetch->plan_count = count;
	fetch->plan_next = 0;
	fetch->waiting = 0;
	pthread_mutex_unlock(&fetch->lock);
}

static int await_part(struct fetched *fetched, const struct part *part, struct err *err)
{
	struct query_fetch *fetch = fetched->fetch;

	while (part->state == PART_WANTED || part->state == PART_RUNNING) {
		int64_t until = clock_mono_ns() + POLL_MS * INT64_C(1000000);
		struct timespec time = {until / CLOCK_NS_PER_SECOND, until % CLOCK_NS_PER_SECOND};
		if (query_remote_is_interrupted(fetch->remote))
			return err_set(err, ERR_SYSTEM, "interrupted");
		pthread_cond_timedwait(&fetch->ready, &fetch->lock, &time);
	}
	if (part->state == PART_FAILED && err)
		*err = part->err;
	return part->state == PART_FAILED ? -1 : 0;
}

static ssize_t read_fetched(void *context, void *bytes, size_t n, struct err *err)
{
	struct fetched *fetched = context;
	struct query_fetch *fetch = fetched->fetch;
	ssize_t result = 0;

	pthread_mutex_lock(&fetch->lock);
	want_parts(fetched);
	if (fetched->count) {
		struct part *part = &fetched->parts[fetched->first];
		result = await_part(fetched, part, err);
		if (result == 0) {
			size_t left = part->length - fetched->taken;
			size_t some = left < n ? left : n;
			memcpy(bytes, part->bytes.p + fetched->taken, some);
			fetched->taken += some;
			result = (ssize_t)some;
			if (some == left) {
				drop_first_part(fetched);
				want_parts(fetched);
				/* There is room again, for the plan too. */
				pthread_cond_signal(&fetch->work);
			}
		}
	}
	pthread_mutex_unlock(&fetch->lock);
	return result;
}

static void close_fetched(void *context)
{
	struct fetched *fetched = context;
	struct query_fetch *fetch = fetched->fetch;

	pthread_mutex_lock(&fetch->lock);
	fetched->is_closed = true;
	let_go(fetched);
	pthread_cond_broadcast(&fetch->work);
	pthread_mutex_unlock(&fetch->lock);
}

int query_fetch_open(struct query_fetch *fetch, const struct query_object *object, bool peek,
	struct input **ret_input, struct err *err)
{
	struct fetched *fetched;

	pthread_mutex_lock(&fetch->lock);
	for (fetched = fetch->list; fetched; fetched = fetched->next)
		if (fetched->object == object && !fetched->is_open && !fetched->is_closed)
			break;
	if (fetched)
		fetch->waiting--;
	else
		fetched = add(fetch, object, peek ? PEEK_BYTES : REMOTE_PART_BYTES);
	fetched->is_open = true;
	fetched->is_peek = peek;
	if (!peek) {
		object->remote->is_taken = true;
		fetch->is_begun = true;
		want_parts(fetched);
	}
	start_threads(fetch);
	pthread_cond_broadcast(&fetch->work);
	pthread_mutex_unlock(&fetch->lock);
	const struct input_source source = {.read = read_fetched,
		.close = close_fetched,
		.context = fetched,
		.size = object->size_bytes};
	return input_open_source(ret_input, &source, object->path, err);
}
