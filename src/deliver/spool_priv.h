/* spool: batches of one flow log on disk until the destination has acknowledged them.
 * A file holds one or more batches in the form in which they are sent, so that one
 * synchronisation serves a whole window: bodies, a byte a batch that says whether it is finished,
 * a table (JSON), a footer with lengths and CRCs. It is written to a hidden draft, synchronised,
 * renamed. After a kill -9 all batches are there that were committed, and those finished are not
 * sent again; power loss may bring finished ones back (their repeat does no harm).
 * Owner: the flow log. One thread writes (drafts), any threads take. Blocks on disk.
 * Memory: some 100 bytes a file; tables only of the files that are being sent, SPOOL_LOADED_MAX. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>

#define SPOOL_ID_MAX      32 /* hexadecimal digits */
#define SPOOL_BATCHES_MAX 32768
#define SPOOL_TABLE_MAX   ((size_t)32 << 20)
#define SPOOL_LOADED_MAX  8
#define SPOOL_PLAIN_MAX   ((uint64_t)16 << 20) /* of plain_size */

/* What one request carries. */
struct spool_batch {
	const char *name; /* S3: key; LOGS: log stream; else "" */
	char id[SPOOL_ID_MAX + 1];
	uint64_t offset, size; /* of the body in the file */
	uint64_t plain_size;   /* of a body that is sent without the gzip it is kept in; 0: none */
	uint32_t records;
	uint32_t crc32;
	int64_t first_ms, last_ms; /* Unix; of its records */
};

/* How a batch stands: the byte in the file. */
enum spool_state { SPOOL_WAITING, SPOOL_DELIVERED, SPOOL_DAMAGED, SPOOL_GIVEN_UP, SPOOL_STATES };

struct spool_table {
	uint32_t count;
	struct spool_batch *batches;
	uint8_t *states;      /* enum spool_state */
	uint64_t flags_start; /* place of the states in the file */
	uint64_t records;     /* that wait */
	void *json;           /* private: owns the names */
};

/* Reads and checks everything but the bodies. */
int spool_table_load(int fd, struct spool_table *ret_table, struct err *err);
void spool_table_done(struct spool_table *table);

struct spool;

struct spool_settings {
	const char *folder; /* made */
	const char *kind;   /* of the destination, static; files of other kinds are left alone */
	uint64_t max_bytes;
	void (*warn)(void *context, const struct err *err);
	void *context;
};

/* Locks the folder, removes drafts, takes up what is there, oldest first; what is damaged is
 * renamed to NAME.damaged and told. */
int spool_open(struct spool **ret_spool, const struct spool_settings *settings, struct err *err);
/* is_deleted: with everything in it. */
void spool_close(struct spool *spool, bool is_deleted);

enum { SPOOL_FULL = 1 };

struct spool_draft {
	struct file_draft file;
	struct buf table;
	uint64_t size, records;
	uint32_t count;
	uint64_t sequence;
};
#define SPOOL_DRAFT_INIT                                                                           \
	{                                                                                          \
		.file = FILE_DRAFT_INIT                                                            \
	}

/* 0, SPOOL_FULL, <0. */
int spool_draft_open(struct spool *spool, struct spool_draft *ret_draft, struct err *err);
/* Of batch: name, plain_size, records, first_ms, last_ms; the rest is found out. */
int spool_draft_add(struct spool_draft *draft, const struct spool_batch *batch, struct str body,
	struct err *err);
/* The same where someone has written the body to draft->file.draft_path; the first one only. */
int spool_draft_add_written(
	struct spool_draft *draft, const struct spool_batch *batch, struct err *err);
/* 0: durable, and can be taken. SPOOL_FULL, <0: as if it had not been. */
int spool_draft_commit(struct spool *spool, struct spool_draft *draft, struct err *err);
void spool_draft_done(struct spool_draft *draft);

/* A batch that is being sent. */
struct spool_taken {
	struct spool_file *file;
	uint32_t index;
	const struct spool_batch *batch;
	unsigned refusals; /* by the destination, of this batch */
	int64_t created_ms;
	struct buf *rest; /* what is left of the body when a part was taken; empty: all of it */
};

/* The oldest batch that waits, is not put off, has no sibling of its (not empty) name under way,
 * and whose records are not newer than newest_ms. */
enum { SPOOL_NONE = 1 };
int spool_take(struct spool *spool, int64_t now_ms, int64_t newest_ms, bool is_ordered,
	struct spool_taken *ret_taken);
/* Appends size bytes from offset of the batch's body. Any thread that holds taken. */
int spool_read(const struct spool_taken *taken, uint64_t offset, uint64_t size,
	struct buf *ret_bytes, struct err *err);
/* ERR_INPUT when the body is not what was written. */
int spool_check(const struct spool_taken *taken, struct err *err);
/* It is not sent again; the file goes with its last batch. */
void spool_finish(struct spool *spool, struct spool_taken *taken, enum spool_state state);
/* It waits again; until_ms (Unix) when it was refused, 0: no longer than others. */
void spool_return(struct spool *spool, struct spool_taken *taken, int64_t until_ms);

struct spool_counts {
	uint64_t batches, records, bytes; /* that wait or are under way; bytes on disk */
	uint64_t lost;                    /* records of files that were damaged while here */
	int64_t oldest_ms;                /* when the oldest was committed, 0: empty */
};
void spool_count(struct spool *spool, struct spool_counts *ret_counts);
