/* events: log groups, log streams and their events, as CloudWatch Logs knows them (CloudWatch Logs
 * API reference; names follow it). Events are in files under DATA/logs/GROUP, a folder a log group;
 * events.c tells how. Names, retention, tags and policies are in the database.
 *
 * Promises: when store_log_put has returned 0, its events survive kill -9 and power loss and every
 * reader sees them; before that, and after an error, nobody sees any of them. Events of one put
 * show together. What is damaged on disk is never given out as good. Retention and the deletion of
 * a group free the disk.
 *
 * Threads: all may share a struct store_events. Calls may block on the disk. What a client can do
 * wrong comes back in struct aws_error with AWS's code; inner failures are InternalError with err
 * telling the log what happened. Times are milliseconds since the epoch. Strings that come in are
 * borrowed for the call. Memory: about 200 bytes a stream and a file, 8 KiB for a stream's batch
 * ids, 2 MiB for each group that is written to, and what one read holds. */
#pragma once

#include "aws/error.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

#include <stdbool.h>
#include <stdint.h>

#define STORE_EVENTS_FOLDER      "logs"
#define STORE_LOG_PUT_EVENTS_MAX 10000     /* of one put */
#define STORE_LOG_PUT_BYTES_MAX  (1 << 20) /* of messages, and 26 more an event */
#define STORE_LOG_BATCH_SIZE     16
#define STORE_LOG_ID_DIGITS      56 /* of event ids and positions */

struct store_events;

/* One process at a time may have the folder open. folder is the data directory; database outlives
 * the store. Recovers from a crash first. A folder with log groups but no row for any of them is
 * refused: fsck makes the rows anew. */
int store_events_open(struct store_events **ret_events, const char *folder,
	struct store_database *database, struct err *err);
void store_events_close(struct store_events *events);
MEM_DEFINE_CLEANUP(struct store_events, store_events_close)
/* What the thread in the background does from time to time, now: seals, deletes what has expired at
 * that moment. For tests, and for after a change of retention. */
int store_events_keep(struct store_events *events, int64_t now_ms, struct err *err);

struct store_events_counters {
	uint64_t events, bytes, puts, repeats; /* put since the start; repeats: known batches */
	uint64_t syncs;                        /* puts / syncs: how many share one */
	uint64_t damaged;                      /* chunks that were found damaged */
	uint64_t sealed, expired;              /* files */
};
void store_events_count(struct store_events *events, struct store_events_counters *ret_counters);

/* ---- groups ---- */

enum store_log_class { STORE_LOG_STANDARD, STORE_LOG_INFREQUENT_ACCESS, STORE_LOG_DELIVERY };

struct store_log_group {
	struct str name; /* lent until the visit or the done function */
	int64_t id, created_ms, stored_bytes;
	unsigned retention_days; /* 0: for ever */
	enum store_log_class log_class;
	bool is_protected; /* against deletion */
	struct buf storage;
};
void store_log_group_done(struct store_log_group *group);

/* ResourceAlreadyExistsException; LimitExceededException. */
int store_log_group_create(struct store_events *events, struct str name,
	enum store_log_class log_class, bool is_protected, struct aws_error *error,
	struct err *err);
/* ResourceNotFoundException, here and below. */
int store_log_group_get(struct store_events *events, struct str name,
	struct store_log_group *ret_group, struct aws_error *error);
int store_log_group_delete(
	struct store_events *events, struct str name, struct aws_error *error, struct err *err);
int store_log_group_retain(struct store_events *events, struct str name, unsigned days,
	struct aws_error *error, struct err *err);
int store_log_group_protect(struct store_events *events, struct str name, bool is_protected,
	struct aws_error *error, struct err *err);
/* In the order of names from behind `after`; until visit returns false. */
void store_log_group_list(struct store_events *events, struct str after,
	bool (*visit)(void *context, const struct store_log_group *group), void *context);

/* ---- streams ---- */

struct store_log_stream {
	struct str name;
	int64_t id, created_ms;
	int64_t first_ms, last_ms, ingested_ms; /* of its events; -1: it has none */
};
int store_log_stream_create(struct store_events *events, struct str group, struct str name,
	struct aws_error *error, struct err *err);
int store_log_stream_delete(struct store_events *events, struct str group, struct str name,
	struct aws_error *error, struct err *err);
/* Is it there? */
int store_log_stream_check(
	struct store_events *events, struct str group, struct str name, struct aws_error *error);
/* Where a page of streams begins: behind this one. */
struct store_log_stream_list {
	struct str prefix;
	bool by_last_event, descending; /* by name otherwise; by_last_event: no prefix */
	struct str after;               /* name; empty: from the start */
	int64_t after_ms;               /* its last_ms (by_last_event) */
};
int store_log_stream_list(struct store_events *events, struct str group,
	const struct store_log_stream_list *list,
	bool (*visit)(void *context, const struct store_log_stream *stream), void *context,
	struct aws_error *error);

/* ---- tags and resource policies: small documents of the caller's, by owner and name ---- */

/* Owner: a group's id. Puts all or nothing. */
struct store_log_tag {
	struct str key, value;
};
int store_log_tags_put(struct store_events *events, struct str group,
	const struct store_log_tag *tags, size_t count, size_t max, struct aws_error *error,
	struct err *err);
int store_log_tags_remove(struct store_events *events, struct str group, const struct str *keys,
	size_t count, struct aws_error *error, struct err *err);
int store_log_tags_list(struct store_events *events, struct str group,
	void (*visit)(void *context, struct str key, struct str value), void *context,
	struct aws_error *error, struct err *err);

struct store_log_policy {
	struct str name, document;
	int64_t updated_ms;
};
/* LimitExceededException beyond max policies. */
int store_log_policy_put(struct store_events *events, const struct store_log_policy *policy,
	size_t max, struct aws_error *error, struct err *err);
int store_log_policy_delete(
	struct store_events *events, struct str name, struct aws_error *error, struct err *err);
int store_log_policy_list(struct store_events *events,
	void (*visit)(void *context, const struct store_log_policy *policy), void *context,
	struct err *err);

/* ---- writing ---- */

struct store_log_event {
	int64_t time_ms;
	struct str message;
};
struct store_log_put {
	struct str group, stream;
	const struct store_log_event *events; /* in order of time */
	size_t count;                         /* 1 to STORE_LOG_PUT_EVENTS_MAX */
	const uint8_t *batch; /* STORE_LOG_BATCH_SIZE bytes; a batch that the stream remembers (its
				 last 512) is acknowledged and not stored; NULL: none */
	int64_t now_ms;       /* ingestion time */
};
/* STORE_LOG_REPEAT: the stream remembers the batch. */
enum { STORE_LOG_REPEAT = 1 };
int store_log_put(struct store_events *events, const struct store_log_put *put,
	struct aws_error *error, struct err *err);

/* ---- reading ---- */

/* Values of all of a block's events, as unsigned integers of width bytes (0: all are 0). */
enum store_log_values {
	STORE_LOG_NO_VALUES, /* in the messages only */
	STORE_LOG_NUMBERS,   /* base more; with has_none 0 is "-", and the others are one less */
	STORE_LOG_WORDS      /* numbers of words; may be word_count or more where the disk lied */
};
struct store_log_column {
	enum store_log_values kind;
	unsigned width; /* 0, 1, 2, 4, 8 */
	bool has_none;
	bool is_ipv4; /* numbers: addresses, the first byte highest */
	int64_t base;
	int64_t last; /* numbers: none is larger */
	const void *values;
	uint32_t word_count;
	const uint32_t *word_ends; /* in words */
	const char *words;
	/* Words, and what has no values: bit i % 64 of [i / 64] is set for each byte i in them;
	 * NULL: not known. */
	const uint64_t *bytes;
	/* No values: a filter of the words, with the lengths of the shortest and the longest; NULL:
	 * there is none. */
	const uint64_t *filter;
	uint32_t filter_words, shortest, longest;
};
/* May a word of the column, which has a filter, be this one? */
bool store_log_column_may_have(const struct store_log_column *column, struct str word);
/* The words of messages that have as many each, with single blanks between them. */
#define STORE_LOG_COLUMNS_MAX 64
#define STORE_LOG_TIMES       STORE_LOG_COLUMNS_MAX
struct store_log_columns {
	size_t count;                  /* words */
	struct store_log_column times; /* numbers: milliseconds since the epoch */
	struct store_log_column columns[STORE_LOG_COLUMNS_MAX];
};
/* To be asked before values, words or the filter of a column (or STORE_LOG_TIMES) are read: checks
 * them, once. False: it has none, or they are damaged. */
bool store_log_columns_use(struct store_log_columns *columns, size_t column);

/* A run of events of one stream, in order of time, messages one behind the other with a newline
 * after each: message i is from starts of i to ends[i], where the start is 0 or ends[i - 1] + 1.
 * Lent for the call. */
struct store_log_block {
	size_t count;
	const char *messages;
	size_t message_bytes;
	const uint32_t *ends;
	const uint32_t *times; /* milliseconds behind time_ms */
	int64_t time_ms;
	struct str stream;
	int64_t group_id, stream_id;
	const uint32_t *ingested;  /* milliseconds behind ingested_ms; NULL: 0 */
	const uint32_t *sequences; /* behind sequence; NULL: the row's number */
	int64_t ingested_ms;
	uint64_t sequence;
	/* Then messages, ends, times, ingested and sequences are not there, and all rows are
	 * wanted; only where a scan takes columns. */
	const struct store_log_columns *columns;
};
/* Which of a block's events are wanted. May be called by several threads for different blocks. */
struct store_log_matcher {
	/* Sets bit i % 64 of bits[i / 64]; the bits come zeroed. */
	void (*match)(void *context, const struct store_log_block *block, uint64_t *bits);
	void *context;
	/* The rest may be NULL; they save reading what nothing is wanted of. May an event be wanted
	 * whose message is in these bytes, a newline behind each? They may be damaged. */
	bool (*may_match)(void *context, const char *messages, size_t n);
	/* Sets the bits of all events that may be wanted; false: the columns do not tell. */
	bool (*narrow)(
		void *context, struct store_log_columns *columns, size_t count, uint64_t *bits);
	/* With narrow: clears the bits of those that are not wanted; of others than those whose
	 * bits are set the block has nothing that may be read. */
	void (*keep)(void *context, const struct store_log_block *block, uint64_t *bits);
};

/* Where a reader is: behind the event (time, sequence) when it goes forward, before it when it goes
 * back, among the events whose sequence is above low and at most high. */
struct store_log_position {
	int64_t time_ms;
	uint64_t sequence, low, high;
};
/* A position is a number of STORE_LOG_ID_DIGITS digits and back; false: it is none. */
void store_log_position_write(
	const struct store_log_position *position, char ret_text[static STORE_LOG_ID_DIGITS + 1]);
bool store_log_position_parse(struct str text, struct store_log_position *ret_position);

struct store_log_read {
	struct str group;
	const struct str *streams; /* names; those that are not there are ResourceNotFoundException
				    */
	size_t stream_count;       /* 0: all, or those with the prefix */
	struct str prefix;
	int64_t start_ms, end_ms; /* inclusive both */
	bool is_backward;
	const struct store_log_position *from;   /* NULL: from the beginning, or the end */
	const struct store_log_matcher *matcher; /* NULL: all */
	/* store_log_scan: may a block come as these columns? NULL: never. By several threads. */
	bool (*takes_columns)(void *context, struct store_log_columns *columns);
	void *takes_context;
	uint64_t scan_max; /* bytes looked at after which a page ends, however short; 0: no bound */
};
struct store_log_found {
	int64_t time_ms, ingested_ms;
	uint64_t sequence;
	struct str message, stream; /* lent for the call */
	int64_t stream_id, group_id;
};
void store_log_id_write(
	const struct store_log_found *found, char ret_text[static STORE_LOG_ID_DIGITS + 1]);
/* The event of that id; STORE_LOG_NONE when it is not there (any more). */
enum { STORE_LOG_NONE = 1 };
int store_log_find(struct store_events *events, struct str id,
	void (*found)(void *context, struct str group, const struct store_log_found *event),
	void *context, struct err *err);

/* Calls visit for each event in the order of time, and of arrival where times are equal (the other
 * way round when backward), until it returns false (that event is not taken) or there are no more.
 * All events are of one moment: what arrives meanwhile is not among them. *ret_position is behind
 * the last event taken, for the next page; *ret_is_complete: there are no more at that moment.
 * Events that have expired are not seen. */
int store_log_read(struct store_events *events, const struct store_log_read *read,
	bool (*visit)(void *context, const struct store_log_found *event), void *context,
	struct store_log_position *ret_position, bool *ret_is_complete, struct aws_error *error,
	struct err *err);
/* All blocks of the group that have events in that range, in no order, for searches and queries
 * that read everything: as many threads as like take the next one. What read points to must be
 * there until the close. */
struct store_log_scan;
int store_log_scan_open(struct store_log_scan **ret_scan, struct store_events *events,
	const struct store_log_read *read, struct aws_error *error, struct err *err);
void store_log_scan_close(struct store_log_scan *scan); /* when no thread holds a block */
MEM_DEFINE_CLEANUP(struct store_log_scan, store_log_scan_close)
/* A thread's block, zeroed at first. Rows outside the time range or of streams not wanted are among
 * a block's: mask has the bits of those wanted. */
struct store_log_held {
	struct store_log_block block;
	uint64_t *mask;
	struct cursor *cursor;
};
/* The block before is given back. False: there are no more, and nothing is held. */
bool store_log_scan_next(struct store_log_scan *scan, struct store_log_held *held);
/* Gives back what is held. */
void store_log_held_done(struct store_log_held *held);

/* ---- care ---- */

struct store_events_fsck_report {
	uint64_t groups, files, events, bytes; /* looked at */
	uint64_t damaged, unknown, repaired;
};
struct store_events_fsck_options {
	bool repair;
	bool read; /* all bytes of sealed files too, not only their indexes */
	void (*told)(void *context, const char *finding);
	void *context;
};
/* The server must not run. Repair takes what is damaged out of a file (the file as it was goes to
 * DATA/damaged) and makes rows anew for groups and their streams whose files are there. database
 * NULL: there is none. */
int store_events_fsck(const char *folder, struct store_database *database,
	const struct store_events_fsck_options *options,
	struct store_events_fsck_report *ret_report, struct err *err);
