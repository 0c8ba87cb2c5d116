/* network: what agents have told of their networks: instances, VPCs, subnets, security groups and
 * network interfaces, and how their deliveries fare; and the tags that users give to any resource
 * of EC2. Kept in the database; what is asked is answered from memory.
 *
 * Values are jansson's, with the members of the model (api/agents/agents.smithy). A view is made
 * once after each change and never changed again, so that any number of threads may read it; who
 * needs another copies.
 * All threads may share a struct store_network. Blocks: what writes, on the disk. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/database.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct store_network;

/* database outlives the network. */
int store_network_open(
	struct store_network **ret_network, struct store_database *database, struct err *err);
void store_network_close(struct store_network *network);
MEM_DEFINE_CLEANUP(struct store_network, store_network_close)

/* ---- agents ---- */

#define STORE_AGENT_LOST_MS 30000 /* not seen for so long: shown as away */

struct store_agent_report {
	struct str id, hostname, version;
	const json_t *inventory;  /* NULL: as it was */
	const json_t *deliveries; /* a list; NULL: none */
	int64_t now_ms;
};
/* An inventory is on disk when this returns 0; when an agent was seen last, and its deliveries,
 * within a minute. Asked for an inventory is whoever has never given one. */
int store_network_sync(struct store_network *network, const struct store_agent_report *report,
	bool *ret_needs_inventory, struct err *err);
/* Objects with AgentId, Hostname, AgentVersion, LastSeen (ms), Interfaces and Deliveries, by id.
 * The caller's to json_decref. */
json_t *store_network_agents(struct store_network *network);
/* Seen lately. */
bool store_network_is_present(struct store_network *network, struct str agent_id, int64_t now_ms);
/* What agents say of a flow log's deliveries: the fault of the first that has one; false: all is
 * well, or none has tried. */
bool store_network_fault(
	struct store_network *network, struct str flow_log_id, char ret_fault[static 64]);

/* ---- the view ---- */

enum store_resource {
	STORE_INSTANCE,
	STORE_VPC,
	STORE_SUBNET,
	STORE_SECURITY_GROUP,
	STORE_NETWORK_INTERFACE,
	STORE_RESOURCES
};

/* One list a kind, ordered by id, each id once: of an id that several agents have the one that was
 * told last counts; VPCs and subnets have the address ranges of all. Each object has besides what
 * its agent said AgentId. The caller's to json_decref. */
json_t *store_network_view(struct store_network *network, enum store_resource kind);
/* The object of that id, lent by the list; NULL: there is none. Binary search. */
const json_t *store_network_find(const json_t *view, enum store_resource kind, struct str id);
/* "VpcId" */
const char *store_network_id_member(enum store_resource kind);

/* ---- tags ---- */

#define STORE_RESOURCE_TAGS_MAX 50

enum { STORE_TAGS_DONE, STORE_TAGS_TOO_MANY };
/* set: key to value; a key that is there gets the new value. STORE_TAGS_TOO_MANY: nothing was
 * changed. */
int store_tags_put(struct store_network *network, const struct str *ids, size_t count,
	const json_t *set, struct err *err);
/* Both are objects of which the keys count. keys: tags of users that go; hide: tags of which there
 * are an agent's own, which are not to be seen any more. */
int store_tags_delete(struct store_network *network, struct str id, const json_t *keys,
	const json_t *hide, struct err *err);
/* Resource id to an object of key to value, null: an agent's tag that is hidden. The caller's to
 * json_decref; not to be changed. */
json_t *store_tags_all(struct store_network *network);
/* The tags of one: its own (list of Key and Value; NULL: none) under those of users, ordered by
 * key. The caller's to json_decref. */
json_t *store_tags_of(const json_t *all, const char *id, const json_t *own);
/* Inside a transaction of another room: at the making and at the end of a resource. Then
 * store_tags_reload after the commit. */
int store_tags_insert(
	struct store_connection *writer, struct str id, const json_t *set, struct err *err);
int store_tags_forget(struct store_connection *writer, struct str id, struct err *err);
int store_tags_reload(struct store_network *network, struct err *err);
