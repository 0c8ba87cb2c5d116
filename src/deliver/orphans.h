/* orphans: spools whose flow log is no more. Nobody knows any more where to their batches go, but
 * the flow log may come back (a server that was restored, a configuration that was wrong): a spool
 * is noted the first time that it is without, by an empty file in it, and removed when that is
 * keep_s old. One that a flow log has again loses the note. Empty ones go at once, and one that is
 * still being sent from (locked) is left alone.
 * Caller: one thread; blocks on the disk. */
#pragma once

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deliver_orphan {
	char id[64];
	uint64_t bytes;
	int64_t since_ms; /* Unix, when it was noted */
};

/* folder: the spools'. The array is the caller's to free(). Fails when the folder cannot be read;
 * what cannot be removed is there the next time. */
int deliver_orphans_look(const char *folder, bool (*is_known)(void *context, const char *id),
	void *context, unsigned keep_s, struct deliver_orphan **ret_orphans, size_t *ret_count,
	struct err *err);
