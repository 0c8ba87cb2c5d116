/* events_priv: what the files events_*.c share. The theory opens events.c.
 * Lock order: struct store_events' lock, then a group's, never the database's inside either. */
#pragma once

#include "store/events.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	EVENTS_TAIL_MAX = 64 << 20,   /* bytes; then a tail is closed */
	EVENTS_TAIL_CHUNKS = 16384,   /* likewise */
	EVENTS_REST_BYTES = 32 << 20, /* a tail of that is closed as soon as nothing comes */
	EVENTS_REST_MS = 1000,        /* for so long */
	EVENTS_ROUND_MAX = 16 << 20,  /* bytes of one write */
	EVENTS_TAIL_MAP = 96 << 20,   /* TAIL_MAX, a round and one put more */
	EVENTS_CHUNK_BYTES = 1 << 20, /* of messages, in sealed chunks: then a chunk is full */
	EVENTS_CHUNK_ROWS = 65536,
	EVENTS_KEPT_MAX = 64, /* sealed files that stay mapped */
	EVENTS_BATCHES = 512, /* remembered of a stream */
	EVENTS_TAIL_AGE_MS = 86400000,
	EVENTS_DAY_MS = 86400000,
};
#define EVENTS_SEQUENCE_MAX ((UINT64_C(1) << 48) - 1)
#define EVENTS_TIME_MAX     ((INT64_C(1) << 42) - 1)

/* ---- chunks (events_chunk.c) ---- */

#define EVENTS_MAGIC  UINT32_C(0x4356454e) /* "NEVC" */
#define EVENTS_FORMAT 1

enum events_kind {
	EVENTS_ABOUT = 1, /* the first of a file; body: the group's name */
	EVENTS_STREAM,    /* names a stream; body: the name */
	EVENTS_ROWS,      /* events */
	EVENTS_BATCH_IDS, /* of a sealed file; body: struct events_batch */
	EVENTS_INDEX,     /* the last of a sealed file; body: struct events_entry */
	EVENTS_COLUMNS,   /* of a sealed file, behind its rows: events_columns.c */
};
enum { EVENTS_HAS_INGESTED = 1, EVENTS_HAS_SEQUENCE = 2 };

/* Little-endian, as the processors that nagare is built for are. */
struct events_header {
	uint32_t magic, header_crc; /* CRC-32C of what is behind it in the header */
	uint32_t size;              /* of the whole chunk, a multiple of 8 */
	uint16_t kind, flags;
	uint64_t file;    /* number of the file, so that no other's bytes pass */
	uint64_t durable; /* the file was synchronised up to here when this was written */
	uint32_t body_crc, count;
	uint32_t body_bytes; /* of messages, names, ...: without columns and padding */
	uint32_t format;
	uint64_t stream;
	int64_t time_first, time_last, ingested_first, ingested_last;
	uint64_t sequence_first, sequence_last;
	uint8_t batch[STORE_LOG_BATCH_SIZE]; /* zeros: none */
	uint64_t event_bytes;                /* AWS's count: messages and 26 an event */
};
_Static_assert(sizeof(struct events_header) == 128, "a format on disk");

struct events_batch {
	uint64_t stream;
	uint8_t id[STORE_LOG_BATCH_SIZE];
};
struct events_entry {
	uint64_t offset;
	struct events_header header;
};

/* A chunk of rows in memory, pointers into it. */
struct events_view {
	const struct events_header *header;
	const uint32_t *times, *ends, *ingested, *sequences; /* the last two may be NULL */
	const char *messages;
};
/* The size of a chunk with so much in it. */
size_t events_chunk_size(uint32_t flags, size_t count, size_t body_bytes);
/* Is there a header at p, with all of the chunk within n bytes? Not its body's checksum. */
bool events_header_good(const uint8_t *p, size_t n, uint64_t file);
bool events_body_good(const struct events_header *header);
void events_header_seal(struct events_header *header);   /* size is set: body CRC, header CRC */
void events_header_number(struct events_header *header); /* the header has changed, the body not */
/* Where its columns and messages are; nothing of them is read. False: it is no chunk of rows. */
bool events_view_place(const struct events_header *header, struct events_view *ret_view);
/* False: the columns do not fit the chunk (it is damaged). Checks them all. */
bool events_view_open(const struct events_header *header, struct events_view *ret_view);
static inline int64_t events_view_time(const struct events_view *view, size_t row)
{
	return view->header->time_first + view->times[row];
}
static inline uint64_t events_view_sequence(const struct events_view *view, size_t row)
{
	return view->header->sequence_first + (view->sequences ? view->sequences[row] : row);
}
static inline int64_t events_view_ingested(const struct events_view *view, size_t row)
{
	return view->header->ingested_first + (view->ingested ? view->ingested[row] : 0);
}
static inline struct str events_view_message(const struct events_view *view, size_t row)
{
	uint32_t start = row ? view->ends[row - 1] + 1 : 0;
	return (struct str){view->messages + start, view->ends[row] - start};
}
/* A chunk without rows. */
void events_chunk_plain(struct buf *buf, enum events_kind kind, uint64_t file, uint64_t stream,
	struct str body, size_t count);
/* A chunk of one put; sequences, file and durable are set when it is written. */
void events_chunk_put(struct buf *buf, const struct store_log_put *put, uint64_t stream);

/* ---- columns (events_columns.c, events_columns_read.c) ---- */

struct columns_summary;

struct events_columns {
	struct store_log_columns columns; /* first: it is given out, and comes back */
	const struct events_header *rows, *header;
	const struct columns_summary *summary; /* NULL: an old chunk, checked when it was opened */
	uint64_t used, times_used;             /* columns that have been checked */
	uint64_t *pages;                       /* of the rows that were found good; NULL: none */
	size_t bytes_used;                     /* that were read */
};
/* A chunk with the words of the rows, into buf, which is empty; false: they are not alike. */
bool events_columns_make(struct buf *buf, const struct events_view *rows);
/* header: what is behind the rows, good. False: it is not their columns, or damaged. */
bool events_columns_open(const struct events_header *rows, const struct events_header *header,
	struct events_columns *ret_columns);
void events_columns_done(struct events_columns *columns);
/* Are these n bytes of the rows' body good? False also where only the checksum of all can tell. */
bool events_columns_row_bytes(struct events_columns *columns, const void *p, size_t n);

/* ---- files (events_file.c) ---- */

struct events_file {
	unsigned refs;   /* by the group's lock */
	unsigned mapped; /* likewise: readers */
	bool is_tail, is_removed;
	bool is_kept;   /* stays mapped without readers */
	bool is_closed; /* a tail that waits to be sealed */
	uint64_t number;
	int64_t day; /* of a sealed file's events: days since the epoch */
	char name[64];
	uint64_t size; /* of a tail: what is on disk for good */
	int64_t time_first, time_last, ingested_first;
	uint64_t sequence_first, sequence_last;
	uint64_t event_bytes, count;
	const uint8_t *map;
	size_t map_size;
	struct events_entry *entries; /* of a tail; of a sealed file the map has them */
	size_t entry_count, entry_capacity;
	int fd; /* of the tail that is written to, else -1 */
};

/* What is remembered of a stream's batches: a ring. */
struct events_ring {
	uint8_t (*ids)[STORE_LOG_BATCH_SIZE];
	unsigned count, next, capacity;
};

struct events_stream {
	char *name;
	uint64_t id;
	int64_t created_ms;
	int64_t first_ms, last_ms, ingested_ms;
	uint64_t named_in; /* number of the tail that has its name */
	struct events_ring ring;
};

struct events_write; /* events_put.c */

struct events_group {
	struct store_events *events;
	atomic_uint refs;
	char *name;
	int64_t id, created_ms;
	unsigned retention_days;
	enum store_log_class log_class;
	bool is_protected, is_deleted;
	char folder[32]; /* under the root */

	pthread_mutex_t lock;
	pthread_cond_t written;
	struct events_stream **by_name, **by_id;
	size_t stream_count, stream_capacity;
	struct events_file **files; /* in no order */
	size_t file_count, file_capacity;
	struct events_file *tail;                   /* one of files, or NULL */
	uint64_t next_file, next_sequence, visible; /* visible: the last sequence acknowledged */
	uint64_t stored_bytes;
	bool are_times_stale; /* first_ms and last_ms of streams: files are gone */
	struct events_write *pending, **pending_tail, *writing;
	bool is_writing, is_kept; /* is_kept: the keeper is at it */
	int64_t written_ms;
};

struct store_events {
	int root; /* DATA/logs */
	struct store_database *database;
	pthread_rwlock_t lock;
	struct events_group **groups; /* in order of names */
	size_t group_count, group_capacity;
	pthread_mutex_t keep_lock; /* one round of keeping at a time */
	pthread_mutex_t keeper_lock;
	pthread_cond_t keeper_wakes;
	pthread_t keeper;
	bool has_keeper, is_closing;
	atomic_bool wants_keeping;
	atomic_bool has_large_tail; /* of EVENTS_REST_BYTES */
	atomic_uint kept;           /* files that stay mapped */
	atomic_uint_fast64_t events, bytes, puts, repeats, syncs, damaged, sealed, expired;
};

/* All of a group's files, after a crash too; the group is not shared yet. */
int events_group_load(struct events_group *group, struct err *err);
/* NUMBER.tail or NUMBER.DAY.events; false: neither. */
bool events_parse_name(const char *name, uint64_t *ret_number, bool *ret_is_tail);
/* Chunk by chunk; visit gets NULL for a stretch that is damaged. Returns where the good part ends.
 */
uint64_t events_walk(const uint8_t *map, uint64_t size, uint64_t number, bool is_tail,
	void (*visit)(void *context, uint64_t offset, const struct events_header *header),
	void *context);
/* The index at the end of a sealed file, checked, or NULL. */
const struct events_header *events_find_index(const uint8_t *map, size_t size, uint64_t number);
/* A file's bytes are there until unmap; <0 when they cannot be had. Group's lock not held. */
int events_file_map(struct events_group *group, struct events_file *file, struct err *err);
void events_file_unmap(struct events_group *group, struct events_file *file);
/* Lock held. The last unref of a removed file deletes it. */
void events_file_unref(struct events_group *group, struct events_file *file);
void events_file_free(struct events_file *file);
/* Of a mapped sealed file, or a tail (copied under the lock by who needs it). */
const struct events_entry *events_file_entries(const struct events_file *file, size_t *ret_count);
/* A new tail; the group's files know it when this returns 0. Lock not held. */
int events_tail_new(struct events_group *group, struct events_file **ret_file, struct err *err);
int events_tail_open(struct events_group *group, struct events_file *tail, struct err *err);
/* Lock held. */
void events_file_add(struct events_group *group, struct events_file *file);
void events_entry_add(
	struct events_file *file, uint64_t offset, const struct events_header *header);
/* Counts a chunk of rows into file, stream and group. Lock held (or not shared yet). */
void events_note(
	struct events_group *group, struct events_file *file, const struct events_header *header);
int events_sync_folder(struct events_group *group, struct err *err);

/* ---- groups (events_group.c) ---- */

int events_groups_load(struct store_events *events, struct err *err);
/* A reference, or ResourceNotFoundException. */
int events_group_find(struct store_events *events, struct str name, struct events_group **ret_group,
	struct aws_error *error);
struct events_group *events_group_ref(struct events_group *group);
void events_group_unref(struct events_group *group);
MEM_DEFINE_CLEANUP(struct events_group, events_group_unref)
/* Lock held; NULL: none. */
struct events_stream *events_stream_find(struct events_group *group, struct str name);
struct events_stream *events_stream_by_id(struct events_group *group, uint64_t id);
struct events_stream *events_stream_add(
	struct events_group *group, struct str name, uint64_t id, int64_t created_ms);
int events_no_group(struct aws_error *error);
int events_no_stream(struct aws_error *error);
/* References to all groups; the caller unrefs them and frees the array. */
struct events_group **events_groups_all(struct store_events *events, size_t *ret_count);
void events_ring_add(struct events_ring *ring, const uint8_t *id);
bool events_ring_has(const struct events_ring *ring, const uint8_t *id);
/* The moment before which a group's events have expired. */
int64_t events_expiry(const struct events_group *group, int64_t now_ms);

/* The end of a deletion that the folder's name already tells. */
int events_finish_removal(
	struct store_events *events, int64_t id, const char *folder, struct err *err);
int events_create_tables(struct store_database *database, struct err *err);
/* Without a keeper; has_folders: there are groups' folders. */
int events_open(struct store_events **ret_events, const char *folder,
	struct store_database *database, bool *ret_has_folders, struct err *err);

/* ---- sealing (events_seal.c) ---- */

/* The sealed files of a closed tail, in its place. */
int events_seal(struct events_group *group, struct events_file *tail, struct err *err);

/* Inner failures, for the client. */
static inline int events_broken(struct aws_error *error)
{
	return aws_error_internal(error);
}
