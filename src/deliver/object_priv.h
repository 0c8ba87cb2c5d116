/* object_priv: objects that go to a spool, from which they are sent. */
#pragma once

#include "deliver/object.h"
#include "deliver/spool_priv.h"

/* As deliver_objects_open, without the bucket's folder: publish makes a file in the spool with the
 * object and its key. The spool outlives the objects. */
struct deliver_objects *deliver_objects_open_spooled(
	const struct deliver_options *options, struct spool *spool);
