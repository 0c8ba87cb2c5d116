#include "capture/live_priv.h"

#include "base/hash.h"

#include <string.h>

#define CARRY_ROWS (2 * (size_t)CARRY_MAX)

static struct capture_carry_row *row_of(struct capture_carry *carry, const struct flow_key *key)
{
	size_t at = hash_bytes(key, sizeof(*key), (uintptr_t)carry) % CARRY_ROWS;

	while (carry->rows[at].age && memcmp(&carry->rows[at].key, key, sizeof(*key)) != 0)
		at = (at + 1) % CARRY_ROWS;
	return &carry->rows[at];
}

struct capture_carry_row *capture_carry_find(
	struct capture_carry *carry, const struct flow_key *key)
{
	struct capture_carry_row *row;

	if (!carry->count)
		return NULL;
	row = row_of(carry, key);
	return row->age ? row : NULL;
}

void capture_carry_add(
	struct capture_carry *carry, const struct flow_key *key, uint64_t packets, uint64_t bytes)
{
	struct capture_carry_row *row;

	if (!carry->rows)
		carry->rows = mem_new(CARRY_ROWS, sizeof(*carry->rows));
	row = row_of(carry, key);
	if (!row->age) {
		if (carry->count == CARRY_MAX) {
			carry->lost += packets;
			return;
		}
		carry->count++;
		*row = (struct capture_carry_row){.key = *key, .age = 1};
	}
	row->packets += packets;
	row->bytes += bytes;
}

void capture_carry_age(struct capture_carry *carry)
{
	struct capture_carry old = *carry;

	if (!old.count)
		return;
	/* Rows are found through those before them: fill a new table rather than make holes. */
	carry->rows = mem_new(CARRY_ROWS, sizeof(*carry->rows));
	carry->count = 0;
	for (size_t i = 0; i < CARRY_ROWS; i++) {
		struct capture_carry_row *row = &old.rows[i];

		if (!row->age || (!row->packets && !row->bytes))
			continue;
		if (row->age >= CARRY_DRAINS) {
			carry->lost += row->packets;
			continue;
		}
		capture_carry_add(carry, &row->key, row->packets, row->bytes);
		row_of(carry, &row->key)->age = row->age + 1;
	}
	free(old.rows);
}

void capture_carry_done(struct capture_carry *carry)
{
	free(carry->rows);
	*carry = (struct capture_carry){0};
}
