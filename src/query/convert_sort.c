/* Each row gets a key of 64 bits: its partition and the fields to sort by, first things highest,
 * each as narrow as the values that occur allow. A sample of the keys gives splitters, the rows are
 * dealt out into buckets between them (twice over the rows: counting, placing), and each bucket is
 * sorted by itself: a stable radix sort by the bits that differ. Where fields do not fit into 64
 * bits, rows with equal keys are compared field by field after that.
 * Texts are sorted as bytes: they get their rank among all texts of the column first. Addresses are
 * texts too; the first twelve characters go into the key. Missing values come first. */
#include "query/convert_priv.h"

#include <assert.h>
#include <stdlib.h>

#define BUCKET_ROWS 16384
#define BUCKETS_MAX 4096
#define SAMPLES     16 /* a bucket */

enum part_kind { PARTITION, NUMBER, RANK, ADDRESS };

/* One of the things that rows are sorted by. */
struct key_part {
	enum part_kind kind;
	unsigned column;
	int64_t min;      /* PARTITION, NUMBER */
	unsigned bits;    /* that all values need */
	unsigned shift;   /* where they stand in the key */
	unsigned dropped; /* lowest bits that do not fit; all when it equals bits */
	uint32_t **ranks; /* by thread, then by number; from 1 */
};

struct sorting {
	const struct convert_part *part;
	struct key_part keys[RECORD_PARQUET_SORT_MAX + 1];
	unsigned keys_count;
	bool exact; /* equal keys are equal rows */
	int64_t partition_seconds;
	int end_column, start_column;

	uint64_t splitters[BUCKETS_MAX];
	unsigned buckets;
	unsigned threads;
	uint32_t count;
	uint32_t *block_first; /* place of a block's first row among all */
	uint16_t *bucket_of;   /* [count] */
	uint32_t *starts;      /* [threads][buckets] where a thread places its next row */
	uint32_t bucket_first[BUCKETS_MAX + 1];
	atomic_uint next_bucket;
	uint64_t *sorted_keys;
	uint32_t *sorted_rows;
	int64_t (*ranges)[RECORD_PARQUET_SORT_MAX + 1][2]; /* by thread */
};

static unsigned bits_for(uint64_t largest)
{
	return largest ? 64 - (unsigned)__builtin_clzll(largest) : 0;
}

/* Hours or days since 1970; a row without a time is in the first. */
static int64_t partition_of(const struct sorting *sorting, uint32_t row)
{
	int64_t time = RECORD_PARQUET_NULL_NUMBER;

	if (sorting->end_column >= 0)
		time = convert_number(sorting->part, row, (unsigned)sorting->end_column);
	if (time < 0 && sorting->start_column >= 0)
		time = convert_number(sorting->part, row, (unsigned)sorting->start_column);
	return time < 0 ? 0 : time / sorting->partition_seconds;
}

/* Characters of addresses in order: '-' '.' 0-9 ':' a-z, and 0 for the end. */
static uint64_t address_code(struct str text)
{
	uint64_t code = 0;

	for (size_t i = 0; i < 12; i++) {
		unsigned char c = i < text.n ? (unsigned char)text.p[i] : 0;
		unsigned n = 0;
		if (c >= 'a')
			n = c <= 'q' ? 14u + c - 'a' : 31;
		else if (c >= '0')
			n = c <= ':' ? 3u + c - '0' : 13;
		else if (c)
			n = c == '.' ? 2 : 1;
		code = code << 5 | n;
	}
	return code;
}

static struct str text_of_address(
	const struct sorting *sorting, unsigned column, uint32_t row, char at[static 16])
{
	uint32_t address = convert_address(sorting->part, row, column);

	return convert_address_text(sorting->part, row, column, address, at);
}

/* The value of a row as a number whose order is that of the values; 0 is missing. */
static uint64_t value_of(const struct sorting *sorting, const struct key_part *key, uint32_t row)
{
	const struct convert_part *part = sorting->part;
	char text[16];
	int64_t number;
	uint32_t index;

	switch (key->kind) {
	case PARTITION:
		return (uint64_t)(partition_of(sorting, row) - key->min);
	case NUMBER:
		number = convert_number(part, row, key->column);
		if (number == RECORD_PARQUET_NULL_NUMBER)
			return 0;
		return (uint64_t)number - (uint64_t)key->min + 1;
	case RANK:
		index = convert_text(part, row, key->column);
		if (index == UINT32_MAX)
			return 0;
		return key->ranks[part->blocks[convert_row_block(row)]->thread][index];
	case ADDRESS:
		break;
	}
	if (convert_address(part, row, key->column) == CONVERT_ADDRESS_NULL)
		return 0;
	return address_code(text_of_address(sorting, key->column, row, text));
}

static uint64_t key_of(const struct sorting *sorting, uint32_t row)
{
	uint64_t key = 0;

	for (unsigned i = 0; i < sorting->keys_count; i++) {
		const struct key_part *part = &sorting->keys[i];
		if (part->dropped < part->bits)
			key |= value_of(sorting, part, row) >> part->dropped << part->shift;
	}
	return key;
}

/* Ranks of a text column. */

struct ranked {
	struct str text;
	uint32_t thread, number;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;
	size_t n = left->text.n < right->text.n ? left->text.n : right->text.n;
	int order = n ? memcmp(left->text.p, right->text.p, n) : 0;

	return order ? order : (left->text.n > right->text.n) - (left->text.n < right->text.n);
}

static void rank(const struct convert_part *part, struct key_part *key)
{
	size_t count = 0;

	key->ranks = mem_new(part->threads_count, sizeof(*key->ranks));
	for (unsigned i = 0; i < part->threads_count; i++) {
		const struct dictionary *texts = part->threads[i].texts[key->column];
		if (texts)
			count += texts->count;
	}
	_cleanup_free_ struct ranked *all = mem_new(count + 1, sizeof(*all));
	count = 0;
	for (unsigned i = 0; i < part->threads_count; i++) {
		const struct dictionary *texts = part->threads[i].texts[key->column];
		key->ranks[i] = mem_new(texts ? texts->count + 1 : 1, sizeof(**key->ranks));
		for (uint32_t j = 0; texts && j < texts->count; j++)
			all[count++] = (struct ranked){texts->texts[j], i, j};
	}
	qsort(all, count, sizeof(*all), compare_ranked);
	uint32_t rank = 0;
	for (size_t i = 0; i < count; i++) {
		rank += i == 0 || compare_ranked(&all[i - 1], &all[i]) != 0;
		key->ranks[all[i].thread][all[i].number] = rank;
	}
	key->bits = bits_for(rank);
}

/* Smallest and largest of the numbers that keys are made of. */
static int measure(void *context, unsigned thread, struct err *err)
{
	struct sorting *sorting = context;
	const struct convert_part *part = sorting->part;

	for (unsigned i = 0; i < sorting->keys_count; i++) {
		const struct key_part *key = &sorting->keys[i];
		int64_t *range = sorting->ranges[thread][i];
		range[0] = INT64_MAX;
		range[1] = INT64_MIN;
		if (key->kind != PARTITION && key->kind != NUMBER)
			continue;
		for (uint32_t b = thread; b < part->blocks_count; b += sorting->threads) {
			for (uint32_t j = 0; j < part->blocks[b]->rows; j++) {
				uint32_t row = b << CONVERT_BLOCK_BITS | j;
				int64_t number = key->kind == PARTITION
							 ? partition_of(sorting, row)
							 : convert_number(part, row, key->column);
				if (number == RECORD_PARQUET_NULL_NUMBER)
					continue;
				range[0] = number < range[0] ? number : range[0];
				range[1] = number > range[1] ? number : range[1];
			}
		}
	}
	return 0;
}

static void lay_out(struct sorting *sorting)
{
	unsigned left = 64;

	sorting->exact = true;
	for (unsigned i = 0; i < sorting->keys_count; i++) {
		struct key_part *key = &sorting->keys[i];
		int64_t min = INT64_MAX, max = INT64_MIN;
		for (unsigned t = 0; t < sorting->threads; t++) {
			const int64_t *range = sorting->ranges[t][i];
			min = range[0] < min ? range[0] : min;
			max = range[1] > max ? range[1] : max;
		}
		key->min = min;
		if (key->kind == RANK)
			rank(sorting->part, key);
		else if (key->kind == ADDRESS)
			key->bits = 60;
		else
			key->bits = max < min ? 0 : bits_for((uint64_t)max - (uint64_t)min + 1);
		sorting->exact &= key->kind != ADDRESS && key->bits <= left;
		key->dropped = key->bits > left ? key->bits - left : 0;
		left -= key->bits - key->dropped;
		key->shift = left < 64 ? left : 0;
	}
}

/* Buckets. */

static int compare_keys(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void choose_splitters(struct sorting *sorting)
{
	const struct convert_part *part = sorting->part;
	unsigned buckets = sorting->count / BUCKET_ROWS + 1;
	uint32_t n = 0;

	sorting->buckets = buckets < BUCKETS_MAX ? buckets : BUCKETS_MAX;
	uint32_t samples = sorting->buckets * SAMPLES;
	uint32_t step = sorting->count / samples + 1;
	_cleanup_free_ uint64_t *sample = mem_new(samples + 1, sizeof(*sample));
	for (uint32_t b = 0, skip = 0; b < part->blocks_count; b++) {
		uint32_t rows = part->blocks[b]->rows;
		for (; skip < rows && n < samples; skip += step)
			sample[n++] = key_of(sorting, b << CONVERT_BLOCK_BITS | skip);
		skip -= skip < rows ? 0 : rows;
	}
	qsort(sample, n, sizeof(*sample), compare_keys);
	for (unsigned i = 1; i < sorting->buckets; i++)
		sorting->splitters[i - 1] = sample[(uint64_t)n * i / sorting->buckets];
}

/* Number of splitters that are not above the key. */
static unsigned bucket_of(const struct sorting *sorting, uint64_t key)
{
	const uint64_t *base = sorting->splitters;
	unsigned n = sorting->buckets - 1;

	while (n > 0) {
		unsigned half = n / 2;
		bool above = base[half] <= key;
		base += above ? half + 1 : 0;
		n = above ? n - half - 1 : half;
	}
	return (unsigned)(base - sorting->splitters);
}

/* Blocks of a thread: a run of them, so that rows with equal keys stay in the order of blocks. */
static void share(
	const struct sorting *sorting, unsigned thread, uint32_t *ret_from, uint32_t *ret_to)
{
	uint64_t blocks = sorting->part->blocks_count;

	*ret_from = (uint32_t)(blocks * thread / sorting->threads);
	*ret_to = (uint32_t)(blocks * (thread + 1) / sorting->threads);
}

static int count_rows(void *context, unsigned thread, struct err *err)
{
	struct sorting *sorting = context;
	uint32_t *counts = sorting->starts + (size_t)thread * sorting->buckets;
	uint32_t from, to;

	share(sorting, thread, &from, &to);
	for (uint32_t b = from; b < to; b++) {
		uint16_t *buckets = sorting->bucket_of + sorting->block_first[b];
		for (uint32_t i = 0; i < sorting->part->blocks[b]->rows; i++) {
			uint64_t key = key_of(sorting, b << CONVERT_BLOCK_BITS | i);
			buckets[i] = (uint16_t)bucket_of(sorting, key);
			counts[buckets[i]]++;
		}
	}
	return 0;
}

static void place_buckets(struct sorting *sorting)
{
	uint32_t at = 0;

	for (unsigned bucket = 0; bucket < sorting->buckets; bucket++) {
		sorting->bucket_first[bucket] = at;
		for (unsigned t = 0; t < sorting->threads; t++) {
			uint32_t *start = &sorting->starts[(size_t)t * sorting->buckets + bucket];
			uint32_t count = *start;
			*start = at;
			at += count;
		}
	}
	sorting->bucket_first[sorting->buckets] = at;
	assert(at == sorting->count);
}

static int place_rows(void *context, unsigned thread, struct err *err)
{
	struct sorting *sorting = context;
	uint32_t *starts = sorting->starts + (size_t)thread * sorting->buckets;
	uint32_t from, to;

	share(sorting, thread, &from, &to);
	for (uint32_t b = from; b < to; b++) {
		const uint16_t *buckets = sorting->bucket_of + sorting->block_first[b];
		for (uint32_t i = 0; i < sorting->part->blocks[b]->rows; i++) {
			uint32_t row = b << CONVERT_BLOCK_BITS | i;
			uint32_t at = starts[buckets[i]]++;
			sorting->sorted_keys[at] = key_of(sorting, row);
			sorting->sorted_rows[at] = row;
		}
	}
	return 0;
}

/* One bucket. */

struct entry {
	uint64_t key;
	uint32_t row;
};

/* By 8 bits at a time, those that differ; the result is in *entries. */
static void sort_entries(struct entry **entries, struct entry **other, uint32_t count)
{
	uint64_t all = ~UINT64_C(0), any = 0;

	for (uint32_t i = 0; i < count; i++) {
		all &= (*entries)[i].key;
		any |= (*entries)[i].key;
	}
	for (unsigned shift = 0; shift < 64; shift += 8) {
		uint32_t places[256] = {0};
		if (((any ^ all) >> shift & 255) == 0)
			continue;
		for (uint32_t i = 0; i < count; i++)
			places[(*entries)[i].key >> shift & 255]++;
		for (uint32_t i = 0, at = 0; i < 256; i++) {
			uint32_t n = places[i];
			places[i] = at;
			at += n;
		}
		for (uint32_t i = 0; i < count; i++)
			(*other)[places[(*entries)[i].key >> shift & 255]++] = (*entries)[i];
		struct entry *swap = *entries;
		*entries = *other;
		*other = swap;
	}
}

/* Field by field. */
static int compare_rows(const void *a, const void *b, void *context)
{
	const struct sorting *sorting = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	for (unsigned i = 0; i < sorting->keys_count; i++) {
		const struct key_part *key = &sorting->keys[i];
		uint64_t x = value_of(sorting, key, left), y = value_of(sorting, key, right);
		char text[2][16];
		if (x != y)
			return x < y ? -1 : 1;
		if (key->kind != ADDRESS || x == 0)
			continue;
		struct ranked texts[] = {
			{.text = text_of_address(sorting, key->column, left, text[0])},
			{.text = text_of_address(sorting, key->column, right, text[1])},
		};
		int order = compare_ranked(&texts[0], &texts[1]);
		if (order)
			return order;
	}
	return (left > right) - (left < right);
}

static void order_equal_keys(struct sorting *sorting, uint32_t first, uint32_t end)
{
	for (uint32_t i = first, j; i < end; i = j) {
		for (j = i + 1; j < end && sorting->sorted_keys[j] == sorting->sorted_keys[i]; j++)
			;
		if (j - i > 1)
			qsort_r(sorting->sorted_rows + i, j - i, sizeof(uint32_t), compare_rows,
				sorting);
	}
}

static int sort_buckets(void *context, unsigned thread, struct err *err)
{
	struct sorting *sorting = context;
	_cleanup_free_ struct entry *entries = NULL;
	_cleanup_free_ struct entry *other = NULL;
	uint32_t room = 0;

	for (unsigned bucket; (bucket = sorting->next_bucket++) < sorting->buckets;) {
		uint32_t first = sorting->bucket_first[bucket];
		uint32_t end = sorting->bucket_first[bucket + 1];
		uint64_t *keys = sorting->sorted_keys;
		bool equal = true;

		for (uint32_t i = first + 1; i < end && equal; i++)
			equal = keys[i] == keys[first];
		if (!equal) {
			if (!entries || room < end - first) {
				room = end - first;
				entries = mem_grow(entries, room, sizeof(*entries));
				other = mem_grow(other, room, sizeof(*other));
			}
			for (uint32_t i = first; i < end; i++)
				entries[i - first] =
					(struct entry){keys[i], sorting->sorted_rows[i]};
			sort_entries(&entries, &other, end - first);
			for (uint32_t i = first; i < end; i++) {
				keys[i] = entries[i - first].key;
				sorting->sorted_rows[i] = entries[i - first].row;
			}
		}
		if (!sorting->exact)
			order_equal_keys(sorting, first, end);
	}
	return 0;
}

/* The whole. */

static void add_partition(struct convert_order *order, uint32_t first, int64_t number)
{
	order->partitions = mem_grow(
		order->partitions, order->partitions_count + 1, sizeof(*order->partitions));
	order->partitions[order->partitions_count++] =
		(struct convert_order_partition){first, number};
}

static void find_partitions(const struct sorting *sorting, struct convert_order *order)
{
	const struct key_part *key = &sorting->keys[0];

	if (key->kind != PARTITION || sorting->keys_count == 0) {
		add_partition(order, 0, 0);
		return;
	}
	for (uint32_t at = 0; at < order->count;) {
		uint64_t number = value_of(sorting, key, order->rows[at]);
		add_partition(order, at, key->min + (int64_t)number);
		uint32_t low = at + 1, high = order->count;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			if (value_of(sorting, key, order->rows[middle]) > number)
				high = middle;
			else
				low = middle + 1;
		}
		at = low;
	}
}

static int add_keys(
	struct sorting *sorting, const struct query_convert_options *options, struct err *err)
{
	const struct convert_part *part = sorting->part;

	sorting->end_column = convert_part_find(part, RECORD_END);
	sorting->start_column = convert_part_find(part, RECORD_START);
	if (options->partition != QUERY_CONVERT_NONE) {
		if (sorting->end_column < 0 && sorting->start_column < 0) {
			err_set(err, ERR_INPUT, "the flow logs have neither 'end' nor 'start'");
			return err_hint(err, "--partition none does without times");
		}
		sorting->partition_seconds =
			options->partition == QUERY_CONVERT_HOUR ? 3600 : 86400;
		sorting->keys[sorting->keys_count++] = (struct key_part){.kind = PARTITION};
	}
	for (unsigned i = 0; i < options->sort_count; i++) {
		int column = convert_part_find(part, (int)options->sort[i]);
		if (column < 0)
			continue;
		enum part_kind kind = NUMBER;
		if (part->column[column].address)
			kind = ADDRESS;
		else if (part->column[column].type == RECORD_TYPE_STRING)
			kind = RANK;
		sorting->keys[sorting->keys_count++] =
			(struct key_part){.kind = kind, .column = (unsigned)column};
	}
	return 0;
}

static int sort_rows(struct sorting *sorting, struct err *err)
{
	unsigned threads = sorting->threads;

	if (convert_run_threads(threads, measure, sorting, err) < 0)
		return -1;
	lay_out(sorting);
	choose_splitters(sorting);
	sorting->starts = mem_new((size_t)threads * sorting->buckets, sizeof(*sorting->starts));
	if (convert_run_threads(threads, count_rows, sorting, err) < 0)
		return -1;
	place_buckets(sorting);
	if (convert_run_threads(threads, place_rows, sorting, err) < 0)
		return -1;
	return convert_run_threads(threads, sort_buckets, sorting, err);
}

int convert_sort(const struct convert_part *part, const struct query_convert_options *options,
	unsigned threads, struct convert_order *ret_order, struct err *err)
{
	_cleanup_free_ struct sorting *sorting = mem_new(1, sizeof(*sorting));

	sorting->part = part;
	sorting->threads = threads;
	sorting->count = (uint32_t)part->rows;
	if (add_keys(sorting, options, err) < 0)
		return -1;
	sorting->ranges = mem_new(threads, sizeof(*sorting->ranges));
	sorting->block_first = mem_new(part->blocks_count + 1, sizeof(uint32_t));
	for (uint32_t b = 0; b < part->blocks_count; b++)
		sorting->block_first[b + 1] = sorting->block_first[b] + part->blocks[b]->rows;
	sorting->bucket_of = mem_new(sorting->count + 1, sizeof(*sorting->bucket_of));
	sorting->sorted_keys = mem_new(sorting->count + 1, sizeof(*sorting->sorted_keys));
	sorting->sorted_rows = mem_new(sorting->count + 1, sizeof(*sorting->sorted_rows));
	int r = sort_rows(sorting, err);
	struct convert_order order = {.rows = sorting->sorted_rows, .count = sorting->count};
	if (r == 0)
		find_partitions(sorting, &order);
	for (unsigned i = 0; i < sorting->keys_count; i++) {
		for (unsigned t = 0; sorting->keys[i].ranks && t < part->threads_count; t++)
			free(sorting->keys[i].ranks[t]);
		free(sorting->keys[i].ranks);
	}
	free(sorting->ranges);
	free(sorting->block_first);
	free(sorting->bucket_of);
	free(sorting->sorted_keys);
	free(sorting->starts);
	if (r == 0)
		*ret_order = order;
	else
		free(order.rows);
	return r;
}

void convert_order_done(struct convert_order *order)
{
	free(order->rows);
	free(order->partitions);
	*order = (struct convert_order){0};
}
