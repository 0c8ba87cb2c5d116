/* network_priv: what the files network*.c share. */
#pragma once

#include "store/network.h"

#include <pthread.h>

struct network_agent {
	char *id, *hostname, *version;
	int64_t seen_ms, told_ms; /* of the inventory */
	int64_t written_ms;       /* when seen_ms went to the disk */
	json_t *inventory;        /* NULL: never told */
	json_t *deliveries;       /* a list */
};

struct store_network {
	struct store_database *database;

	pthread_mutex_t lock;         /* of all below; what is in the lists is never changed */
	struct network_agent *agents; /* by id */
	size_t agent_count;
	json_t *views[STORE_RESOURCES]; /* NULL: to be made anew */
	json_t *tags;
};

extern const char network_schema[];

/* With the lock held: the view of all agents. */
json_t *network_make_view(const struct store_network *network, enum store_resource kind);
