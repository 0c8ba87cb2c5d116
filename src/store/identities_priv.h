/* identities_priv: what the files identities*.c share.
 *
 * Tables (identities.c has the script): an entity (user, group, role, policy, instance profile) is
 * one row whatever its kind; what hangs on it are rows of documents (inline policies, versions),
 * links (members, attachments), tags, keys and sessions, all by the entity's id. */
#pragma once

#include "store/identities.h"
#include "store/identities_edit.h"

#include <pthread.h>
#include <stdarg.h>

/* Strings that live until all of them are freed together. */
struct store_arena {
	struct store_arena_chunk *chunks;
};
void *store_arena_take(struct store_arena *arena, size_t size); /* zeroed, aligned */
struct str store_arena_str(struct store_arena *arena, struct str text);
struct str store_arena_vprintf(struct store_arena *arena, const char *format, va_list arguments);
struct str store_arena_printf(struct store_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Room for one more behind count elements of a list in the arena; *room is how many it has. */
void *store_arena_grow(
	struct store_arena *arena, void *list, size_t count, size_t *room, size_t size);
void store_arena_done(struct store_arena *arena);

#define IDENTITIES_BUCKETS 1024 /* of the table of callers */
#define IDENTITIES_CALLERS 8192 /* kept in memory; more empty it */

/* When a key was used last and what for, until it is written down. */
struct identities_use {
	struct identities_use *next;
	int64_t used_ms;
	char access_key_id[32], service[32], region[32];
};

struct store_identities {
	struct store_database *database;
	struct store_arena arena;
	struct str account, canonical_id;
	struct str root_key_id, root_secret;
	struct aws_policy *all;      /* allows everything */
	struct aws_policy **managed; /* AWS's own, in the order of the table */
	uint64_t seed;

	pthread_mutex_t lock; /* of all below */
	uint64_t generation;  /* grows with every change */
	struct caller *callers[IDENTITIES_BUCKETS];
	size_t caller_count;
	struct identities_use *uses;
	int64_t uses_written_ms;
	bool uses_are_due, is_closing;
	pthread_cond_t wake; /* either of them has become true */

	pthread_t writer; /* of uses: requests do not wait for the disk */
	bool has_writer;
};

/* What an edit is made of. */
struct store_connection *edit_connection(struct store_edit *edit);
struct store_arena *edit_arena(struct store_edit *edit);
struct store_identities *edit_identities(struct store_edit *edit);
/* Whether callers in memory are to be forgotten at the commit; gives what it was before. */
bool edit_concerns_callers(struct store_edit *edit, bool does);

/* After a commit: the next request sees it. */
void identities_changed(struct store_identities *identities);

/* A caller with what keeps it. */
struct caller {
	struct store_caller public; /* first */
	struct store_identities *identities;
	struct caller *next;
	unsigned references;
	uint64_t hash;
	struct store_arena arena;
	struct aws_policy **owned;
	size_t owned_count;
};
void caller_free(struct caller *caller);
/* 0 and NULL: there is none. */
int caller_load(struct store_identities *identities, struct str access_key_id,
	struct caller **ret_caller, struct err *err);

#define MANAGED_CREATED_MS INT64_C(1423165200000) /* 2015-02-05T19:40:00Z */
/* AWS's policies, of identities_managed.def. */
struct managed {
	struct str name, path, id, description, document;
};
const struct managed *managed_at(size_t index);
/* By ARN; NULL: none. */
const struct managed *managed_find(struct str arn, size_t *ret_index);

extern const char identities_schema[];

/* Makes id, secret and created_ms, with strings in arena, and the row. */
int identities_key_insert(struct store_connection *writer, struct store_arena *arena,
	struct store_key *key, struct err *err);
/* Removes what is over for more than a day. */
int identities_forget_sessions(struct store_connection *writer, struct err *err);
/* Writes down when keys were used; a thread does it when it is due. */
int identities_start_writer(struct store_identities *identities, struct err *err);
void identities_stop_writer(struct store_identities *identities);
int identities_write_uses(struct store_identities *identities, struct err *err);

void identities_random_id(char *ret_id, const char *prefix, size_t letters);
/* The row of a bound statement "... FROM identity_entity ..." into entity, strings into arena. */
#define ENTITY_COLUMNS                                                                             \
	"kind, id, name, path, created_ms, updated_ms, description, document, boundary,"           \
	" max_session_s, version, versions, used_ms, used_region"
void identities_entity_row(struct store_identities *identities, struct store_arena *arena,
	sqlite3_stmt *statement, struct store_entity *ret_entity);
