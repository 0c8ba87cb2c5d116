/* windows: flows counted in aggregation windows, and handed out as each window closes.
 * Windows are [k*interval, (k+1)*interval) in Unix seconds, as AWS aligns them; k may be negative.
 * A packet is counted in the window of its own time. A window closes when time, which the caller
 * tells by flow_windows_advance, is grace past its end, so that packets slightly out of order still
 * find it. A packet later than that opens its window again, and that one stays open for one more
 * interval and grace: totals stay exact, at the price of a second record for that key.
 *
 * Memory is bounded, nothing is dropped at the bounds:
 * - at max_flows the oldest flows (of the window opened first, in order of arrival) are handed out
 *   early, a sixteenth of the table at a time;
 * - at FLOW_WINDOWS_OPEN_MAX open windows the earliest in time closes early.
 * What comes later for the same key and window is a second record.
 * A flow costs at most 101 bytes, hash table included, reserved at new() and touched as it is used;
 * besides that there are about 100 KiB, and for watched interfaces 32 bytes each.
 *
 * Owner: the caller; one thread. Nothing blocks; no allocation per packet or flow. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "flow/flow.h"

#include <stdbool.h>
#include <stddef.h>

#define FLOW_WINDOWS_INTERVAL_MAX 600 /* seconds */
#define FLOW_WINDOWS_FLOWS_MAX    ((size_t)1 << 27)
#define FLOW_WINDOWS_OPEN_MAX     1024               /* windows open at a time */
#define FLOW_WINDOWS_JUMP_MAX     1024               /* windows passed at once and still watched */
#define FLOW_WINDOWS_TIME_MAX     (INT64_C(1) << 56) /* seconds; times beyond count as this one */

/* What a window says of an interface besides its flows. */
enum flow_window_status { FLOW_WINDOW_NODATA, FLOW_WINDOW_SKIPDATA };

/* Where windows go. Must not call flow_windows_ functions. Pointers are valid during the call.
 * Order: windows by time; in each one its flows in order of arrival, then statuses by interface
 * (SKIPDATA before NODATA), then closed. Once a function returned false nothing more is handed out
 * and the flows are of no use but to flow_windows_free. */
struct flow_sink {
	/* A flow of the window [window_start, window_start + interval); false stops the run. */
	bool (*flow)(void *context, int64_t window_start, const struct flow_key *key,
		const struct flow_counts *counts);
	/* NODATA (missed is NULL): no packet on this interface in a window that it was watched
	 * from start to end. SKIPDATA: missed packets and bytes could not be counted in flows;
	 * first and last say when. */
	bool (*status)(void *context, int64_t window_start, uint32_t interface,
		enum flow_window_status status, const struct flow_counts *missed);
	/* The window is complete: all its flows and statuses have been handed out. Again after a
	 * late packet opened it again. */
	bool (*closed)(void *context, int64_t window_start);
	void *context;
};

struct flow_windows_options {
	uint32_t interval; /* seconds, 1 to FLOW_WINDOWS_INTERVAL_MAX */
	uint32_t grace;    /* seconds a window stays open behind its end; at most 512 intervals */
	size_t max_flows;  /* flows in memory at a time, 1 to FLOW_WINDOWS_FLOWS_MAX */
	struct flow_sink sink;
};

/* Packets of one flow at one moment: usually one packet. */
struct flow_sample {
	struct flow_key key;
	uint32_t packets;
	uint64_t bytes;
	int64_t time; /* Unix seconds */
	uint8_t tcp_flags;
};

struct flow_windows;

/* Fails on options out of range, and when the memory cannot be reserved. */
int flow_windows_new(struct flow_windows **ret_windows, const struct flow_windows_options *options,
	struct err *err);
/* An interface that is watched from this time on: gets NODATA for silent windows, but for those
 * that have closed already. Watching it twice is watching it once. */
void flow_windows_watch(struct flow_windows *windows, uint32_t interface, int64_t since);
void flow_windows_unwatch(struct flow_windows *windows, uint32_t interface, int64_t until);
/* Counts. counts->first and ->last lie in one window, that of first (last is moved to its end where
 * it does not); several of the same key add up. 0, or -1 when the sink said stop. */
int flow_windows_add(
	struct flow_windows *windows, const struct flow_key *key, const struct flow_counts *counts);
/* Counts all samples in order, as so many calls of flow_windows_add, but with the memory of some 30
 * of them on its way at a time: the way for files. 64 to 256 samples at a time do best. */
int flow_windows_add_batch(
	struct flow_windows *windows, const struct flow_sample *samples, size_t count);
/* Packets of this interface that were seen and could not be attributed to a flow; 0 and 0 when it
 * is not known how many. Each window and interface that this is said of gives one SKIPDATA. */
void flow_windows_skip(struct flow_windows *windows, uint32_t interface, int64_t when,
	uint64_t packets, uint64_t bytes);
/* Time has come to now: closes what is grace behind. 0, or -1 when the sink said stop.
 * Live capture passes the wall clock, at least once an interval. Where it steps back by more than
 * an interval and grace, all open windows close at once, for it may take long to come round to
 * them; they open again when it does. Where it leaps ahead by more than FLOW_WINDOWS_JUMP_MAX
 * windows (the machine slept, or the clock was set) nobody watched in between: no NODATA for those.
 * Files pass the latest packet time so far, which never steps back: interleaved captures of
 * different years then stay two sets of windows, rather than closing each other's at every packet.
 * Cheap when now has not changed. */
int flow_windows_advance(struct flow_windows *windows, int64_t now);
/* Closes all that is open, in order of time. Windows that time has not come to the end of give no
 * NODATA. Counting may go on. */
int flow_windows_flush(struct flow_windows *windows);
/* What is counted of this key in the open window of this time; false: nothing that is still held.
 */
bool flow_windows_find(const struct flow_windows *windows, const struct flow_key *key, int64_t time,
	struct flow_counts *ret_counts);
/* Shows the flows of all open windows and takes none out; false ends it. The function must not call
 * flow_windows_ functions. */
typedef bool flow_windows_shown(void *context, int64_t window_start, const struct flow_key *key,
	const struct flow_counts *counts);
void flow_windows_show(
	const struct flow_windows *windows, flow_windows_shown *shown, void *context);
/* Flows held now, and handed out early so far. */
size_t flow_windows_count(const struct flow_windows *windows, uint64_t *ret_early);
/* Bytes reserved for all of it, interfaces included. */
size_t flow_windows_memory(const struct flow_windows *windows);
void flow_windows_free(struct flow_windows *windows);
MEM_DEFINE_CLEANUP(struct flow_windows, flow_windows_free)
