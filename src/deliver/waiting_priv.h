/* waiting_priv: finished batches that are not on disk yet. Mostly for a moment; on a full disk they
 * stay up to a bound in memory, and what is given up for the bound, oldest first, is counted.
 * One thread. Memory: the batches. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "record/parquet.h"

#include <stdint.h>

struct waiting_batch {
	char *name; /* LOGS: log stream; NULL: none yet */
	int64_t stamp, name_seed;
	int64_t first_ms, last_ms;
	uint32_t records;
	struct buf bytes;
	struct record_parquet *parquet;
};

/* What it is counted as. */
uint64_t waiting_batch_cost(const struct waiting_batch *batch);
void waiting_batch_done(struct waiting_batch *batch);

struct waiting {
	struct waiting_batch *batches; /* oldest first */
	size_t count, capacity;
	uint64_t bytes, max_bytes;
	uint64_t given_up; /* records, in all */
};

/* Takes everything that batch owns. */
void waiting_add(struct waiting *waiting, struct waiting_batch *batch);

/* Stores some of the batches (at least one), from the first on. 0: *ret_stored of them are stored.
 * WAITING_NO_ROOM: they never will be. <0: they wait. */
enum { WAITING_NO_ROOM = 1 };
typedef int (*waiting_store_function)(void *context, struct waiting_batch *batches, size_t count,
	size_t *ret_stored, struct err *err);
/* Stores all of them, or keeps the bound and fails. */
int waiting_store(
	struct waiting *waiting, waiting_store_function store, void *context, struct err *err);
uint64_t waiting_records(const struct waiting *waiting);
void waiting_done(struct waiting *waiting);
