#include "deliver/waiting_priv.h"

#define RECORD_COST 80 /* bytes that a waiting Parquet record is counted as */
#define BATCHES_MAX 65536

uint64_t waiting_batch_cost(const struct waiting_batch *batch)
{
	return batch->parquet ? (uint64_t)batch->records * RECORD_COST : batch->bytes.n;
}

void waiting_batch_done(struct waiting_batch *batch)
{
	free(batch->name);
	buf_done(&batch->bytes);
	record_parquet_free(batch->parquet);
	*batch = (struct waiting_batch){0};
}

void waiting_add(struct waiting *waiting, struct waiting_batch *batch)
{
	if (waiting->count == waiting->capacity) {
		waiting->capacity = waiting->capacity ? waiting->capacity * 2 : 16;
		waiting->batches =
			mem_grow(waiting->batches, waiting->capacity, sizeof(waiting->batches[0]));
	}
	waiting->bytes += waiting_batch_cost(batch);
	waiting->batches[waiting->count++] = *batch;
	*batch = (struct waiting_batch){0};
}

static void remove_first(struct waiting *waiting, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		waiting->bytes -= waiting_batch_cost(&waiting->batches[i]);
		waiting_batch_done(&waiting->batches[i]);
	}
	waiting->count -= n;
	memmove(waiting->batches, waiting->batches + n,
		waiting->count * sizeof(waiting->batches[0]));
}

static void give_up(struct waiting *waiting, size_t n)
{
	for (size_t i = 0; i < n; i++)
		waiting->given_up += waiting->batches[i].records;
	remove_first(waiting, n);
}

static void keep_bound(struct waiting *waiting)
{
	uint64_t bytes = waiting->bytes;
	size_t n = 0;

	while (n < waiting->count &&
		(bytes > waiting->max_bytes || waiting->count - n > BATCHES_MAX))
		bytes -= waiting_batch_cost(&waiting->batches[n++]);
	give_up(waiting, n);
}

int waiting_store(
	struct waiting *waiting, waiting_store_function store, void *context, struct err *err)
{
	while (waiting->count) {
		size_t stored = 0;
		int result = store(context, waiting->batches, waiting->count, &stored, err);
		if (result < 0) {
			keep_bound(waiting);
			return -1;
		}
		if (result == WAITING_NO_ROOM)
			give_up(waiting, stored);
		else
			remove_first(waiting, stored);
	}
	return 0;
}

uint64_t waiting_records(const struct waiting *waiting)
{
	uint64_t records = 0;

	for (size_t i = 0; i < waiting->count; i++)
		records += waiting->batches[i].records;
	return records;
}

void waiting_done(struct waiting *waiting)
{
	for (size_t i = 0; i < waiting->count; i++)
		waiting_batch_done(&waiting->batches[i]);
	free(waiting->batches);
	*waiting = (struct waiting){0};
}
