/* s3: Amazon S3 over the exchange and the object store (S3 API reference). Owns what it starts: the
 * passes that carry out lifecycle rules and the sender of notifications, each a thread; the store
 * is borrowed and must outlive it. Requests may come from any thread of the server. */
#pragma once

#include "api/server.h"
#include "api/service.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/objects.h"

#include <stdint.h>

struct s3;

struct s3_options {
	struct store_objects *objects;
	struct api_callers callers; /* the server's, for POST forms: they are signed in the body */
	struct str region;          /* of new buckets without a LocationConstraint */
	int64_t lifecycle_every_ms; /* 0: 60,000 */
	int64_t lifecycle_day_ms;   /* what a rule's "day" lasts; 0: a day. Shorter for tests */
	/* Where notifications may go, HOST or HOST:PORT (without a port: any); to NULL; NULL:
	 * nowhere. The texts must outlive s3. */
	const char *const *webhook_hosts;
	bool webhooks_to_loopback; /* and to this machine itself */
	unsigned events_max;       /* waiting notifications; 0: 10,000; more are dropped, counted */
};

/* *ret_service is api's table entry, lives as long as s3. */
int s3_start(struct s3 **ret_s3, const struct s3_options *options, struct err *err);
const struct api_service *s3_service(struct s3 *s3);
/* Stops the threads; no exchange may be running. */
void s3_stop(struct s3 *s3);
MEM_DEFINE_CLEANUP(struct s3, s3_stop)

/* What its threads have done, in Prometheus' text format; context: struct s3. For
 * api_metrics_register. */
void s3_metrics(void *context, struct buf *lines);
