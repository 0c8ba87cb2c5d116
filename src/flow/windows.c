/* The open windows are few and sorted by start; each lists its flows, which lie in one table for
 * all (flow/table.h). Closing a window therefore costs what is in it, whatever else is open: a file
 * of hostile times cannot make it cost more.
 *
 * NODATA is said by spans: an interface watched from since until told otherwise, and in it the
 * first window not judged yet. Silent windows are never stored; they are counted off from there as
 * time passes them. Whether an interface was silent is known when a window has been handed out: its
 * flows have marked their interfaces, as have the notes, which stand for flows handed out early and
 * for packets missed. */
#include "flow/windows.h"

#include "flow/table.h"

#define BATCH      32  /* samples whose memory is on its way at a time */
#define CLOSE_PART 256 /* flows taken out of the index at a time */
#define EARLY_PART 16  /* the part of the table handed out at the bound is one of this many */

_Static_assert(FLOW_WINDOWS_FLOWS_MAX == FLOW_TABLE_MAX, "one limit");
_Static_assert(FLOW_WINDOWS_INTERVAL_MAX <= 1024, "first and last have 10 bits");
_Static_assert(FLOW_WINDOWS_OPEN_MAX <= UINT16_MAX, "flow_table_key.list has 16 bits");

/* What is known of an interface in a window besides the flows that are there. */
struct note {
	uint32_t interface;
	bool skipped;
	struct flow_counts missed;
};

struct window {
	int64_t start;
	int64_t due; /* closes when time has come to this */
	uint64_t opened;
	struct flow_table_list flows;
	struct note *notes; /* sorted by interface */
	uint32_t notes_count, notes_capacity;
};

struct span {
	uint32_t interface;
	bool ended;
	int64_t until; /* when ended */
	int64_t next;  /* start of the first window that is not judged */
	uint64_t mark; /* number of the last closing that found packets */
};

struct flow_windows {
	struct flow_windows_options options;
	struct flow_table table;
	int64_t current_start;   /* window of the last packet */
	uint64_t current_length; /* the interval; 0: none */
	uint16_t current;        /* its number */
	bool stopped;
	bool has_time;
	int64_t time;
	uint64_t early;
	uint64_t opened;
	uint64_t closings;
	uint16_t order[FLOW_WINDOWS_OPEN_MAX]; /* open windows by start, then the unused ones */
	uint32_t open;
	struct span *spans; /* sorted by interface, then by time */
	size_t spans_count, spans_capacity;
	size_t marked; /* span that mark_interface found last */
	size_t notes_memory;
	struct window windows[FLOW_WINDOWS_OPEN_MAX];
};

static int64_t clamp_time(int64_t time)
{
	if (time > FLOW_WINDOWS_TIME_MAX)
		return FLOW_WINDOWS_TIME_MAX;
	return time < -FLOW_WINDOWS_TIME_MAX ? -FLOW_WINDOWS_TIME_MAX : time;
}

/* Start of the window of this time: division that rounds down, for times before 1970 too. */
static int64_t window_start(const struct flow_windows *windows, int64_t time)
{
	int64_t into = time % windows->options.interval;

	return time - (into < 0 ? into + windows->options.interval : into);
}

/* Start of the first window that begins at this time or later. */
static int64_t window_start_from(const struct flow_windows *windows, int64_t time)
{
	return window_start(windows, time + windows->options.interval - 1);
}

/* Windows that begin before this have been left behind by time. */
static int64_t horizon(const struct flow_windows *windows)
{
	return window_start(windows, windows->time - windows->options.grace);
}

int flow_windows_new(struct flow_windows **ret_windows, const struct flow_windows_options *options,
	struct err *err)
{
	if (options->interval < 1 || options->interval > FLOW_WINDOWS_INTERVAL_MAX)
		return err_set(err, ERR_USAGE, "an interval of %u s, from 1 to %d are possible",
			options->interval, FLOW_WINDOWS_INTERVAL_MAX);
	if (options->grace > 512 * options->interval)
		return err_set(err, ERR_USAGE,
			"a grace of %u s, at most 512 intervals (%u s) are possible",
			options->grace, 512 * options->interval);
	if (options->max_flows < 1 || options->max_flows > FLOW_WINDOWS_FLOWS_MAX)
		return err_set(err, ERR_USAGE, "%zu flows in memory, from 1 to %zu are possible",
			options->max_flows, FLOW_WINDOWS_FLOWS_MAX);
	_cleanup_(flow_windows_freep) struct flow_windows *windows = mem_new(1, sizeof(*windows));
	windows->options = *options;
	for (uint16_t i = 0; i < FLOW_WINDOWS_OPEN_MAX; i++)
		windows->order[i] = i;
	if (flow_table_init(&windows->table, options->max_flows, err) < 0)
		return -1;
	*ret_windows = take(windows);
	return 0;
}

void flow_windows_free(struct flow_windows *windows)
{
	if (!windows)
		return;
	for (uint32_t i = 0; i < windows->open; i++)
		free(windows->windows[windows->order[i]].notes);
	free(windows->spans);
	flow_table_done(&windows->table);
	free(windows);
}

size_t flow_windows_count(const struct flow_windows *windows, uint64_t *ret_early)
{
	*ret_early = windows->early;
	return windows->table.count;
}

size_t flow_windows_memory(const struct flow_windows *windows)
{
	return sizeof(*windows) + windows->table.memory_size + windows->notes_memory +
	       windows->spans_capacity * sizeof(*windows->spans);
}

/* Where in spans those of this interface begin, or would. */
static size_t find_span(const struct flow_windows *windows, uint32_t interface)
{
	size_t low = 0, high = windows->spans_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (windows->spans[middle].interface < interface)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void flow_windows_watch(struct flow_windows *windows, uint32_t interface, int64_t since)
{
	size_t place = find_span(windows, interface);

	for (; place < windows->spans_count && windows->spans[place].interface == interface;
		place++) {
		if (!windows->spans[place].ended)
			return;
	}
	if (windows->spans_count == windows->spans_capacity) {
		windows->spans_capacity = windows->spans_capacity ? windows->spans_capacity * 2 : 8;
		windows->spans =
			mem_grow(windows->spans, windows->spans_capacity, sizeof(*windows->spans));
	}
	struct span *span = &windows->spans[place];
	memmove(span + 1, span, (windows->spans_count - place) * sizeof(*span));
	windows->spans_count++;
	int64_t next = window_start_from(windows, clamp_time(since));
	if (windows->has_time && next < horizon(windows))
		next = horizon(windows);
	*span = (struct span){.interface = interface, .next = next};
}

void flow_windows_unwatch(struct flow_windows *windows, uint32_t interface, int64_t until)
{
	size_t place = find_span(windows, interface);

	for (; place < windows->spans_count && windows->spans[place].interface == interface;
		place++) {
		struct span *span = &windows->spans[place];
		if (span->ended)
			continue;
		span->ended = true;
		span->until = clamp_time(until);
	}
}

/* Whether what time and the span's end allow lets window start be judged for this span. */
static bool span_covers(const struct flow_windows *windows, const struct span *span, int64_t start)
{
	int64_t end = start + windows->options.interval;

	return windows->has_time && end <= windows->time && (!span->ended || end <= span->until);
}

static void forget_ended_spans(struct flow_windows *windows)
{
	size_t kept = 0;

	for (size_t i = 0; i < windows->spans_count; i++) {
		const struct span *span = &windows->spans[i];
		if (!span->ended || span->next + windows->options.interval <= span->until)
			windows->spans[kept++] = *span;
	}
	windows->spans_count = kept;
	windows->marked = 0;
}

/* This interface had packets in the window that is being closed. */
static void mark_interface(struct flow_windows *windows, uint32_t interface)
{
	if (!windows->spans_count)
		return;
	size_t i = windows->marked;
	if (i >= windows->spans_count || windows->spans[i].interface != interface)
		i = find_span(windows, interface);
	else if (windows->spans[i].mark == windows->closings)
		return;
	if (i >= windows->spans_count || windows->spans[i].interface != interface)
		return;
	windows->marked = i;
	for (; i < windows->spans_count && windows->spans[i].interface == interface; i++)
		windows->spans[i].mark = windows->closings;
}

static struct note *find_or_add_note(
	struct flow_windows *windows, struct window *window, uint32_t interface)
{
	uint32_t low = 0, high = window->notes_count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (window->notes[middle].interface < interface)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < window->notes_count && window->notes[low].interface == interface)
		return &window->notes[low];
	if (window->notes_count == window->notes_capacity) {
		uint32_t capacity = window->notes_capacity ? window->notes_capacity * 2 : 4;
		windows->notes_memory +=
			(capacity - window->notes_capacity) * sizeof(*window->notes);
		window->notes = mem_grow(window->notes, capacity, sizeof(*window->notes));
		window->notes_capacity = capacity;
	}
	struct note *note = &window->notes[low];
	memmove(note + 1, note, (window->notes_count - low) * sizeof(*note));
	window->notes_count++;
	*note = (struct note){.interface = interface};
	return note;
}

static struct flow_counts counts_of(
	const struct window *window, const struct flow_table_entry *entry)
{
	return (struct flow_counts){
		.packets = entry->packets,
		.bytes = entry->bytes,
		.first = window->start + (entry->seen & FLOW_TABLE_SECONDS),
		.last = window->start + (entry->seen >> FLOW_TABLE_LAST_SHIFT & FLOW_TABLE_SECONDS),
		.tcp_flags = (uint8_t)(entry->seen >> FLOW_TABLE_TCP_SHIFT),
	};
}

static void hand_out_flow(struct flow_windows *windows, const struct window *window,
	const struct flow_table_entry *entry)
{
	struct flow_key key;
	flow_table_key_unpack(&key, &entry->key);
	const struct flow_counts counts = counts_of(window, entry);
	const struct flow_sink *sink = &windows->options.sink;
	if (!sink->flow(sink->context, window->start, &key, &counts))
		windows->stopped = true;
}

/* Takes the first count flows of the window out and hands them out. */
static void hand_out_flows(
	struct flow_windows *windows, struct window *window, uint32_t count, bool early)
{
	struct flow_table *table = &windows->table;
	uint32_t part = flow_table_is_large(table, count) ? count : CLOSE_PART;

	for (uint32_t left = count; left && !windows->stopped; left -= part) {
		if (part > left)
			part = left;
		struct flow_table_list list = flow_table_split(table, &window->flows, part);
		flow_table_unlink(table, &list);
		uint32_t entry = list.head;
		uint32_t noted = 0;
		for (uint32_t i = 0; i < part && !windows->stopped;
			i++, entry = table->next[entry]) {
			uint32_t interface = table->entries[entry].key.interface;
			if (!early) {
				mark_interface(windows, interface);
			} else if (windows->spans_count && (i == 0 || interface != noted)) {
				find_or_add_note(windows, window, interface);
				noted = interface;
			}
			hand_out_flow(windows, window, &table->entries[entry]);
		}
		flow_table_release(table, &list);
	}
}

static void hand_out_status(struct flow_windows *windows, int64_t start, uint32_t interface,
	enum flow_window_status status, const struct flow_counts *missed)
{
	const struct flow_sink *sink = &windows->options.sink;

	if (!windows->stopped && !sink->status(sink->context, start, interface, status, missed))
		windows->stopped = true;
}

static void hand_out_notes(struct flow_windows *windows, struct window *window)
{
	for (uint32_t i = 0; i < window->notes_count; i++) {
		const struct note *note = &window->notes[i];
		mark_interface(windows, note->interface);
		if (note->skipped)
			hand_out_status(windows, window->start, note->interface,
				FLOW_WINDOW_SKIPDATA, &note->missed);
	}
}

/* Says NODATA where window start is the next to be judged and had no packets. Returns whether any
 * was said. */
static bool judge_spans(struct flow_windows *windows, int64_t start)
{
	bool said = false;

	for (size_t i = 0; i < windows->spans_count; i++) {
		struct span *span = &windows->spans[i];
		bool silent = span->mark != windows->closings;
		if (span->next == start && span_covers(windows, span, start)) {
			span->next += windows->options.interval;
			if (silent) {
				said = true;
				hand_out_status(
					windows, start, span->interface, FLOW_WINDOW_NODATA, NULL);
			}
		} else if (!silent && span->next <= start) {
			/* Closed before its time (flush, or too many open): it was not silent, and
			 * must not be found so later. Rather no NODATA for windows before it that
			 * are not over either than a wrong one. */
			span->next = start + windows->options.interval;
		}
	}
	return said;
}

/* Closes the window at this place in order, or a silent one that has none (place < 0). */
static void close_window(struct flow_windows *windows, int64_t start, int64_t place)
{
	const struct flow_sink *sink = &windows->options.sink;

	windows->closings++;
	if (place >= 0) {
		uint16_t number = windows->order[place];
		struct window *window = &windows->windows[number];
		hand_out_flows(windows, window, window->flows.count, false);
		hand_out_notes(windows, window);
		windows->notes_memory -= window->notes_capacity * sizeof(*window->notes);
		free(window->notes);
		memset(window, 0, sizeof(*window));
		windows->open--;
		memmove(windows->order + place, windows->order + place + 1,
			(windows->open - (size_t)place) * sizeof(*windows->order));
		windows->order[windows->open] = number;
		windows->current_length = 0;
	}
	bool said = windows->spans_count && judge_spans(windows, start);
	if (!windows->stopped && (place >= 0 || said) && !sink->closed(sink->context, start))
		windows->stopped = true;
}

/* Place in order of the first window that begins at start or later. */
static uint32_t find_place(const struct flow_windows *windows, int64_t start)
{
	uint32_t low = 0, high = windows->open;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (windows->windows[windows->order[middle]].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool flow_windows_find(const struct flow_windows *windows, const struct flow_key *key, int64_t time,
	struct flow_counts *ret_counts)
{
	int64_t start = window_start(windows, clamp_time(time));
	uint32_t place = find_place(windows, start);

	if (place == windows->open || windows->windows[windows->order[place]].start != start)
		return false;
	uint32_t rest = flow_table_rest(key, windows->order[place]);
	const struct flow_table_entry *entry = flow_table_find(
		&windows->table, key, rest, flow_table_hash(&windows->table, key, rest));
	if (entry)
		*ret_counts = counts_of(&windows->windows[windows->order[place]], entry);
	return entry != NULL;
}

void flow_windows_show(const struct flow_windows *windows, flow_windows_shown *shown, void *context)
{
	for (uint32_t i = 0; i < windows->open; i++) {
		const struct window *window = &windows->windows[windows->order[i]];
		uint32_t number = window->flows.head;
		for (uint32_t n = 0; n < window->flows.count; n++) {
			const struct flow_table_entry *entry = &windows->table.entries[number];
			const struct flow_counts counts = counts_of(window, entry);
			struct flow_key key;
			flow_table_key_unpack(&key, &entry->key);
			if (!shown(context, window->start, &key, &counts))
				return;
			number = windows->table.next[number];
		}
	}
}

/* Start of the earliest window before limit that some span has to be judged in, or limit. */
static int64_t next_silent(const struct flow_windows *windows, int64_t limit)
{
	int64_t start = limit;

	for (size_t i = 0; i < windows->spans_count; i++) {
		const struct span *span = &windows->spans[i];
		if (span->next < start && span_covers(windows, span, span->next))
			start = span->next;
	}
	return start;
}

/* Closes what begins before limit, in order of time: windows that are due (or all of them), and
 * between them those that were silent. */
static int close_until(struct flow_windows *windows, int64_t limit, bool all)
{
	uint32_t place = 0; /* windows before this one are not due */

	while (!windows->stopped) {
		for (; !all && place < windows->open; place++) {
			if (windows->windows[windows->order[place]].due <= windows->time)
				break;
		}
		int64_t start = next_silent(windows, limit);
		bool found = start < limit;
		if (place < windows->open) {
			int64_t open = windows->windows[windows->order[place]].start;
			if (open < limit && open <= start) {
				close_window(windows, open, place);
				continue;
			}
		}
		if (!found)
			break;
		/* It may be open and kept for late packets. */
		uint32_t at = find_place(windows, start);
		bool open =
			at < windows->open && windows->windows[windows->order[at]].start == start;
		close_window(windows, start, open ? (int64_t)at : -1);
		if (open && at < place)
			place--;
	}
	forget_ended_spans(windows);
	return windows->stopped ? -1 : 0;
}

int flow_windows_flush(struct flow_windows *windows)
{
	return windows->stopped ? -1 : close_until(windows, INT64_MAX, true);
}

int flow_windows_advance(struct flow_windows *windows, int64_t now)
{
	int64_t interval = windows->options.interval;

	now = clamp_time(now);
	if (windows->stopped)
		return -1;
	if (windows->has_time) {
		if (now == windows->time)
			return 0;
		if (now < windows->time - interval - windows->options.grace) {
			if (flow_windows_flush(windows) < 0)
				return -1;
		} else if (now > windows->time + interval * FLOW_WINDOWS_JUMP_MAX) {
			/* What was over when last asked was watched, and nothing since. */
			if (close_until(windows, window_start(windows, windows->time), false) < 0)
				return -1;
			int64_t next = window_start_from(windows, now);
			for (size_t i = 0; i < windows->spans_count; i++)
				windows->spans[i].next = next;
		}
	}
	windows->time = now;
	windows->has_time = true;
	return close_until(windows, horizon(windows), false);
}

static struct window *open_window(struct flow_windows *windows, int64_t start)
{
	int64_t interval = windows->options.interval;
	int64_t grace = windows->options.grace;

	if (windows->open == FLOW_WINDOWS_OPEN_MAX) {
		int64_t earliest = windows->windows[windows->order[0]].start;
		if (close_until(windows, earliest + 1, true) < 0)
			return NULL;
	}
	uint32_t place = find_place(windows, start);
	uint16_t number = windows->order[windows->open];
	memmove(windows->order + place + 1, windows->order + place,
		(windows->open - place) * sizeof(*windows->order));
	windows->order[place] = number;
	windows->open++;
	struct window *window = &windows->windows[number];
	*window = (struct window){
		.start = start,
		.due = start + interval + grace,
		.opened = windows->opened++,
		.flows = FLOW_TABLE_LIST_INIT,
	};
	if (windows->has_time && window->due <= windows->time)
		window->due = windows->time + interval + grace;
	return window;
}

/* Makes the window of this time the current one; opens it if need be. */
static int find_window(struct flow_windows *windows, int64_t time)
{
	int64_t start = window_start(windows, clamp_time(time));
	uint32_t place = find_place(windows, start);
	const struct window *window;

	if (place < windows->open && windows->windows[windows->order[place]].start == start)
		window = &windows->windows[windows->order[place]];
	else
		window = open_window(windows, start);
	if (!window)
		return -1;
	windows->current_start = start;
	windows->current_length = windows->options.interval;
	windows->current = (uint16_t)(window - windows->windows);
	return 0;
}

/* The seconds of this time into its window, which becomes the current one; -1 when the sink said
 * stop. */
static inline int64_t enter_window(struct flow_windows *windows, int64_t time)
{
	uint64_t into = (uint64_t)time - (uint64_t)windows->current_start;

	if (into < windows->current_length)
		return (int64_t)into;
	if (find_window(windows, time) < 0)
		return -1;
	return clamp_time(time) - windows->current_start;
}

void flow_windows_skip(struct flow_windows *windows, uint32_t interface, int64_t when,
	uint64_t packets, uint64_t bytes)
{
	if (windows->stopped)
		return;
	if (enter_window(windows, when) < 0)
		return;
	struct note *note =
		find_or_add_note(windows, &windows->windows[windows->current], interface);
	struct flow_counts *missed = &note->missed;
	when = clamp_time(when);
	if (!note->skipped || when < missed->first)
		missed->first = when;
	if (!note->skipped || when > missed->last)
		missed->last = when;
	note->skipped = true;
	missed->packets += packets;
	missed->bytes += bytes;
}

/* The table is full: the flows of the window that was opened first go. */
static int hand_out_early(struct flow_windows *windows)
{
	struct window *oldest = NULL;

	for (uint32_t i = 0; i < windows->open; i++) {
		struct window *window = &windows->windows[windows->order[i]];
		if (window->flows.count && (!oldest || window->opened < oldest->opened))
			oldest = window;
	}
	assert(oldest);
	uint32_t count = windows->table.max / EARLY_PART;
	if (count < 1)
		count = 1;
	if (count > oldest->flows.count)
		count = oldest->flows.count;
	hand_out_flows(windows, oldest, count, true);
	windows->early += count;
	return windows->stopped ? -1 : 0;
}

/* Where a flow is counted, and under what hash. */
struct place {
	uint32_t hash;
	uint32_t rest; /* of the flow_table_key */
	uint32_t first;
	uint16_t window;
};

static inline int find_flow_place(struct flow_windows *windows, const struct flow_key *key,
	int64_t time, struct place *ret_place)
{
	int64_t first = enter_window(windows, time);

	if (first < 0)
		return -1;
	ret_place->first = (uint32_t)first;
	ret_place->window = windows->current;
	ret_place->rest = flow_table_rest(key, windows->current);
	ret_place->hash = flow_table_hash(&windows->table, key, ret_place->rest);
	return 0;
}

/* Counts in the entry of this place, NULL to make it. Counters of 64 bits do not overflow: a window
 * of 600 s would have to see 30 petabytes a second. */
static inline int count_flow(struct flow_windows *windows, const struct flow_key *key,
	const struct place *place, struct flow_table_entry *entry, uint32_t last, uint64_t packets,
	uint64_t bytes, uint8_t tcp_flags)
{
	struct flow_table *table = &windows->table;
	uint32_t first = place->first;
	uint32_t flags = (uint32_t)tcp_flags << FLOW_TABLE_TCP_SHIFT;

	if (!entry) {
		if (flow_table_is_full(table) && hand_out_early(windows) < 0)
			return -1;
		entry = flow_table_insert(table, &windows->windows[place->window].flows, key,
			place->rest, place->hash, first | last << FLOW_TABLE_LAST_SHIFT | flags);
	} else {
		uint32_t seen = entry->seen;
		uint32_t seen_first = seen & FLOW_TABLE_SECONDS;
		uint32_t seen_last = seen >> FLOW_TABLE_LAST_SHIFT & FLOW_TABLE_SECONDS;
		if (first < seen_first)
			seen -= seen_first - first;
		if (last > seen_last)
			seen += (last - seen_last) << FLOW_TABLE_LAST_SHIFT;
		entry->seen = seen | flags;
	}
	entry->packets += packets;
	entry->bytes += bytes;
	return 0;
}

int flow_windows_add(
	struct flow_windows *windows, const struct flow_key *key, const struct flow_counts *counts)
{
	struct place place;
	int64_t limit = windows->options.interval - 1;

	if (windows->stopped || find_flow_place(windows, key, counts->first, &place) < 0)
		return -1;
	int64_t last = clamp_time(counts->last) - windows->current_start;
	last = last > limit ? limit : last < place.first ? place.first : last;
	struct flow_table_entry *entry =
		flow_table_find(&windows->table, key, place.rest, place.hash);
	return count_flow(windows, key, &place, entry, (uint32_t)last, counts->packets,
		counts->bytes, counts->tcp_flags);
}

/* Three passes, so that the misses of all samples overlap: slots are on their way while the others
 * are hashed, entries while other slots are looked at. The last pass looks at a slot again only
 * where the entry is not the one expected, or may have gone: when flows were handed out early. */
static int add_some(struct flow_windows *windows, const struct flow_sample *samples, size_t count)
{
	struct place places[BATCH];
	uint32_t expected[BATCH];
	struct flow_table *table = &windows->table;

	for (size_t i = 0; i < count; i++) {
		if (find_flow_place(windows, &samples[i].key, samples[i].time, &places[i]) < 0)
			return -1;
		flow_table_prefetch_index(table, places[i].hash);
	}
	for (size_t i = 0; i < count; i++)
		expected[i] = flow_table_prefetch_entry(table, places[i].hash);
	uint64_t early = windows->early;
	for (size_t i = 0; i < count; i++) {
		const struct flow_sample *sample = &samples[i];
		const struct place *place = &places[i];
		uint32_t number = early == windows->early ? expected[i] : 0;
		struct flow_table_entry *entry;
		if (number && flow_table_key_equal(
				      &table->entries[number - 1].key, &sample->key, place->rest))
			entry = &table->entries[number - 1];
		else
			entry = flow_table_find(table, &sample->key, place->rest, place->hash);
		if (count_flow(windows, &sample->key, place, entry, place->first, sample->packets,
			    sample->bytes, sample->tcp_flags) < 0)
			return -1;
	}
	return 0;
}

int flow_windows_add_batch(
	struct flow_windows *windows, const struct flow_sample *samples, size_t count)
{
	if (windows->stopped)
		return -1;
	while (count) {
		size_t some = count < BATCH ? count : BATCH;
		/* A window that closes because too many are open must not be one that samples
		 * before it are about to be counted in: one at a time when it could come to that.
		 */
		if (windows->open + some > FLOW_WINDOWS_OPEN_MAX)
			some = 1;
		if (add_some(windows, samples, some) < 0)
			return -1;
		samples += some;
		count -= some;
	}
	return 0;
}
