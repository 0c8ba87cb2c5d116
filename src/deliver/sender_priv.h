/* sender: the threads that empty one flow log's spool into its sink.
 * Owner: the flow log; wake, status and stop are for its thread, status for any. Threads: one, and
 * up to SENDER_THREADS while batches pile up. */
#pragma once

#include "deliver/sink_priv.h"
#include "deliver/spool_priv.h"

#define SENDER_THREADS 4

struct sender;

/* Spool and sink outlive the sender. */
int sender_start(struct sender **ret_sender, struct spool *spool, struct sink *sink,
	const struct deliver_settings *settings, const char *name, struct err *err);
/* There is more in the spool. */
void sender_wake(struct sender *sender);
/* Of status: fault, message, records, batches, retries, given_up, delivered_ms, last_name. */
void sender_status(struct sender *sender, struct deliver_status *status);
uint64_t sender_given_up(struct sender *sender); /* records, in all */
/* Goes on for at most drain_ms, or until the spool is empty; then ends what is under way. */
void sender_stop(struct sender *sender, unsigned drain_ms);
