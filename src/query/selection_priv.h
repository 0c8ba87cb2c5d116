/* selection: which objects a statement reads, and what of the session depends on that.
 * Sessions with locations at a server are lazy: nothing is listed before a statement needs it, and
 * then only what its conditions leave. Objects of one flow log have one format for all their life,
 * so that the header of one object stands for the others at a server; objects without the name that
 * AWS gives are each looked at.
 * Owner: the session. */
#pragma once

#include "query/session_priv.h"

/* In session->object_shape, above all shapes there can be. */
#define SHAPE_UNKNOWN SIZE_MAX
#define SHAPE_PENDING (SIZE_MAX - 1) /* that of another object of its flow log */
#define SHAPE_UNUSED  (SIZE_MAX - 2) /* not selected */

int query_selection_open(
	struct query_session *session, const struct query_options *options, struct err *err);
void query_selection_free(struct query_session *session);
/* Listing waits for the statement. */
bool query_selection_is_lazy(const struct query_session *session);
/* A listing is wanted although there is one: objects may have come or gone. */
void query_selection_set_stale(struct query_session *session);

/* Before a statement (names quoted, otherwise as it was written): finds out what it wants, lists
 * and prepares what that takes. */
int query_selection_apply(struct query_session *session, struct str statement, struct err *err);

/* After the statement got its filter and the text for DuckDB: fetches what that reads of Parquet
 * objects at servers. */
int query_selection_fetch(struct query_session *session, struct str text, struct err *err);
/* parts.c: the same. */
struct query_remote;
int query_parts_fetch(struct query_session *session, struct query_remote *remote, struct str sql,
	struct err *err);

/* ---- for session.c, shape.c and columns.c ---- */

/* Appends the objects at servers that the statement may want. */
int query_selection_list(
	struct query_session *session, struct query_objects *objects, struct err *err);
/* Marks what is selected, of a new listing or for another statement. Returns whether that is as it
 * was. */
bool query_selection_mark(struct query_session *session);
bool query_selection_has(const struct query_session *session, size_t object);
/* An object of the last listing is there again: it keeps its files. */
void query_selection_carry(struct query_object *from, struct query_object *to);
/* Finds or makes the cache's entries of what is selected. */
int query_selection_cache(struct query_session *session, struct err *err);
/* Before headers are read: makes objects wait for another of their flow log; and copies Parquet
 * objects to where DuckDB can read them. */
int query_selection_before_shapes(struct query_session *session, struct err *err);
/* After headers were read. */
void query_selection_after_shapes(struct query_session *session);
/* A column of this field is in the table although no object that was looked at has it. */
bool query_selection_wants_field(const struct query_session *session, int field);
void query_selection_stats(const struct query_session *session, struct query_stats *stats);
bool query_selection_progress(
	const struct query_session *session, struct query_progress *ret_progress);
void query_selection_interrupt(struct query_session *session);
