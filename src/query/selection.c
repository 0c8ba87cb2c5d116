#include "query/selection_priv.h"

#include "query/lexer_priv.h"
#include "query/prune_priv.h"
#include "query/remote_priv.h"
#include "query/rewrite_priv.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The format of one flow log's objects in one bucket. */
struct kind {
	char *name; /* BUCKET/fl-... */
	size_t shape;
};

struct query_selection {
	struct query_remote *remote; /* NULL: all locations are files */
	struct prune prune;          /* of the statement */
	bool *selected;              /* per object */
	size_t selected_count;
	bool is_listed, is_stale;
	struct prune listed; /* what the listing of servers left in */
	uint64_t left_out;   /* by that listing */
	bool is_wrapped;     /* a view, macro or prepared statement reads the table */
	bool fields[RECORD_FIELDS];
	struct kind *kinds;
	size_t kinds_count;
};

int query_selection_open(
	struct query_session *session, const struct query_options *options, struct err *err)
{
	struct query_selection *selection = mem_new(1, sizeof(*selection));
	bool has_remote = false;

	session->selection = selection;
	prune_init(&selection->prune);
	for (size_t i = 0; i < options->locations_count; i++)
		has_remote = has_remote || query_remote_is_location(options->locations[i]);
	return has_remote ? query_remote_new(&selection->remote, &options->s3, err) : 0;
}

void query_selection_free(struct query_session *session)
{
	struct query_selection *selection = session->selection;

	if (!selection)
		return;
	query_remote_free(selection->remote);
	prune_done(&selection->prune);
	prune_done(&selection->listed);
	for (size_t i = 0; i < selection->kinds_count; i++)
		free(selection->kinds[i].name);
	free(selection->kinds);
	free(selection->selected);
	free(selection);
	session->selection = NULL;
}

bool query_selection_is_lazy(const struct query_session *session)
{
	return session->selection->remote;
}

void query_selection_set_stale(struct query_session *session)
{
	session->selection->is_stale = true;
}

/* ---- what a statement wants ---- */

static bool ask(struct query_session *session, const char *sql, struct str argument,
	duckdb_result *ret_result, duckdb_data_chunk *ret_chunk)
{
	duckdb_prepared_statement prepared = NULL;
	duckdb_result result = {0};
	duckdb_data_chunk chunk = NULL;

	if (duckdb_prepare(session->connection, sql, &prepared) == DuckDBSuccess &&
		(argument.p == NULL || duckdb_bind_varchar_length(prepared, 1, argument.p,
					       argument.n) == DuckDBSuccess) &&
		duckdb_execute_prepared(prepared, &result) == DuckDBSuccess)
		chunk = duckdb_fetch_chunk(result);
	duckdb_destroy_prepare(&prepared);
	bool is_there = chunk && duckdb_data_chunk_get_size(chunk) == 1;
	if (is_there) {
		uint64_t *validity =
			duckdb_vector_get_validity(duckdb_data_chunk_get_vector(chunk, 0));
		is_there = !validity || duckdb_validity_row_is_valid(validity, 0);
	}
	if (is_there) {
		*ret_result = result;
		*ret_chunk = chunk;
		return true;
	}
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return false;
}

static bool number_of(void *context, const char *sql, double *ret_number)
{
	_cleanup_free_ char *select = mem_printf("SELECT CAST(%s AS DOUBLE)", sql);
	duckdb_result result;
	duckdb_data_chunk chunk;

	if (!ask(context, select, STR_NONE, &result, &chunk))
		return false;
	*ret_number = *(double *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return true;
}

static bool ask_text(
	struct query_session *session, const char *sql, struct str argument, struct buf *ret_text)
{
	duckdb_result result;
	duckdb_data_chunk chunk;

	if (!ask(session, sql, argument, &result, &chunk))
		return false;
	duckdb_string_t *text = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
	buf_add(ret_text, duckdb_string_t_data(text), duckdb_string_t_length(*text));
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	return true;
}

static bool text_of(void *context, const char *sql, struct buf *ret_text)
{
	_cleanup_free_ char *select = mem_printf("SELECT CAST(%s AS VARCHAR)", sql);

	return ask_text(context, select, STR_NONE, ret_text);
}

/* Which fields of flow logs and whether the table is named; and whether something is made that
 * reads the table later, unseen. */
static bool look_at_words(struct query_session *session, struct str statement)
{
	struct query_selection *selection = session->selection;
	struct sql_token token;
	bool mentions = false, is_definition = false, is_table = false, is_function = false;
	unsigned at = 0;

	while (sql_token_next_significant(&statement, &token)) {
		if (at == 0)
			is_definition =
				sql_token_is(&token, "CREATE") || sql_token_is(&token, "PREPARE");
		else if (at < 5 && sql_token_is(&token, "TABLE"))
			is_table = true;
		else if (at < 5 &&
			 (sql_token_is(&token, "MACRO") || sql_token_is(&token, "FUNCTION")))
			is_function = true;
		at++;
		if (sql_token_names(&token, STR(REWRITE_TABLE)) ||
			sql_token_names(&token, STR(SESSION_TEXT_FUNCTION)) ||
			(token.kind == SQL_STRING &&
				memmem(token.text.p, token.text.n, REWRITE_TABLE,
					sizeof(REWRITE_TABLE) - 1)))
			mentions = true;
		struct str name = token.text;
		if (token.kind == SQL_QUOTED && name.n > 2)
			name = (struct str){name.p + 1, name.n - 2};
		int field = token.kind == SQL_WORD || token.kind == SQL_QUOTED
				    ? record_field_find_sql(name)
				    : -1;
		if (field >= 0)
			selection->fields[field] = true;
	}
	/* A macro may also stand for a function that conditions use. */
	if (is_definition && (is_function || (mentions && !is_table)))
		selection->is_wrapped = true;
	return mentions || selection->is_wrapped;
}

/* False: the statement does not read the table. */
static bool find_conditions(
	struct query_session *session, struct str statement, struct prune *ret_prune)
{
	const struct prune_evaluator evaluator = {number_of, text_of, session};
	struct str part = prune_select_part(statement);
	_cleanup_buf_ struct buf tree = {0};
	bool mentions = look_at_words(session, statement);

	if (mentions && part.n && !session->selection->is_wrapped &&
		ask_text(session, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", part, &tree)) {
		prune_read_tree(buf_str(&tree), &evaluator, ret_prune, &mentions);
		/* A name inside a string only, say. */
		return true;
	}
	prune_init(ret_prune);
	return mentions;
}

/* ---- listing ---- */

int query_selection_list(
	struct query_session *session, struct query_objects *objects, struct err *err)
{
	struct query_selection *selection = session->selection;

	selection->left_out = 0;
	for (size_t i = 0; i < session->locations_count; i++)
		if (query_remote_is_location(session->locations[i]) &&
			query_remote_list(selection->remote, session->locations[i],
				&selection->prune, objects, &selection->left_out, err) < 0)
			return -1;
	return 0;
}

bool query_selection_mark(struct query_session *session)
{
	struct query_selection *selection = session->selection;
	size_t count = session->objects.count, selected = 0;
	bool *old = selection->selected;
	bool is_everything = prune_is_everything(&selection->prune);
	bool is_same = old != NULL;

	selection->selected = mem_new(count + 1, sizeof(bool));
	for (size_t i = 0; i < count; i++) {
		bool is_selected =
			is_everything || prune_may_match(&selection->prune,
						 str_from(session->objects.object[i].path));
		selection->selected[i] = is_selected;
		selected += is_selected;
		is_same = is_same && old[i] == is_selected;
		size_t *shape = &session->object_shape[i];
		if (is_selected && *shape == SHAPE_UNUSED)
			*shape = SHAPE_UNKNOWN;
		else if (!is_selected && *shape == SHAPE_UNKNOWN)
			*shape = SHAPE_UNUSED;
	}
	selection->selected_count = selected;
	free(old);
	return is_same;
}

bool query_selection_has(const struct query_session *session, size_t object)
{
	return session->selection->selected[object];
}

void query_selection_carry(struct query_object *from, struct query_object *to)
{
	to->cached = take(from->cached);
	to->uncacheable = from->uncacheable;
	if (to->remote) {
		to->remote->copy = take(from->remote->copy);
		to->remote->parts = take(from->remote->parts);
	}
}

int query_selection_cache(struct query_session *session, struct err *err)
{
	if (!session->cache)
		return 0;
	return query_cache_apply(
		session->cache, &session->objects, session->selection->selected, err);
}

/* ---- shapes ---- */

static struct kind *find_kind(struct query_selection *selection, const char *name)
{
	for (size_t i = 0; i < selection->kinds_count; i++)
		if (strcmp(selection->kinds[i].name, name) == 0)
			return &selection->kinds[i];
	selection->kinds =
		mem_grow(selection->kinds, selection->kinds_count + 1, sizeof(*selection->kinds));
	selection->kinds[selection->kinds_count] = (struct kind){mem_strdup(name), SHAPE_UNKNOWN};
	return &selection->kinds[selection->kinds_count++];
}

/* NULL: it stands for itself. */
static char *kind_of(const struct query_object *object)
{
	struct prune_facts facts;

	if (!object->remote || query_object_is_parquet(object))
		return NULL;
	prune_read_key(str_from(object->remote->key), &facts);
	return facts.flow_log.p
		       ? mem_printf("%s/%.*s", object->remote->bucket, STR_ARG(facts.flow_log))
		       : NULL;
}

static int copy_parquet(struct query_session *session, struct err *err)
{
	struct query_selection *selection = session->selection;
	struct query_objects *objects = &session->objects;
	_cleanup_free_ struct query_object **wanted =
		mem_new(objects->count + 1, sizeof(struct query_object *));
	size_t count = 0;

	for (size_t i = 0; i < objects->count; i++) {
		struct query_object *object = &objects->object[i];
		if (object->remote && object->parquet && selection->selected[i] &&
			!object->remote->copy)
			wanted[count++] = object;
	}
	if (count == 0)
		return 0;
	if (mkdir(session->temporary_folder, 0700) < 0 && errno != EEXIST)
		return err_set_errno(err, errno, "folder %s", session->temporary_folder);
	return query_remote_copy_footers(
		selection->remote, wanted, count, session->temporary_folder, err);
}

int query_selection_before_shapes(struct query_session *session, struct err *err)
{
	struct query_selection *selection = session->selection;

	if (!selection->remote)
		return 0;
	for (size_t i = 0; i < session->objects.count; i++) {
		_cleanup_free_ char *name = session->object_shape[i] == SHAPE_UNKNOWN
						    ? kind_of(&session->objects.object[i])
						    : NULL;
		if (!name)
			continue;
		struct kind *kind = find_kind(selection, name);
		if (kind->shape == SHAPE_UNKNOWN)
			kind->shape = SHAPE_PENDING; /* this one is read */
		else
			session->object_shape[i] = kind->shape;
	}
	return copy_parquet(session, err);
}

void query_selection_after_shapes(struct query_session *session)
{
	struct query_selection *selection = session->selection;

	if (!selection->remote)
		return;
	for (unsigned pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < session->objects.count; i++) {
			size_t *shape = &session->object_shape[i];
			if (*shape >= SHAPE_UNUSED && *shape != SHAPE_PENDING)
				continue;
			_cleanup_free_ char *name = kind_of(&session->objects.object[i]);
			if (!name)
				continue;
			struct kind *kind = find_kind(selection, name);
			if (pass == 0 && *shape != SHAPE_PENDING)
				kind->shape = *shape;
			else if (pass == 1 && *shape == SHAPE_PENDING)
				*shape = kind->shape;
		}
	/* A failure on the way leaves none pending. */
	for (size_t i = 0; i < selection->kinds_count; i++)
		if (selection->kinds[i].shape == SHAPE_PENDING)
			selection->kinds[i].shape = SHAPE_UNKNOWN;
}

bool query_selection_wants_field(const struct query_session *session, int field)
{
	return session->selection->remote && session->selection->fields[field];
}

/* ---- a statement ---- */

/* The objects in the order in which the scan takes them. */
static void plan(struct query_session *session)
{
	struct query_selection *selection = session->selection;
	_cleanup_free_ const struct query_object **planned =
		mem_new(session->texts_count + 1, sizeof(struct query_object *));
	size_t count = 0;

	for (size_t i = 0; i < session->texts_count; i++) {
		const struct query_object *object = &session->objects.object[session->texts[i]];
		if (object->remote)
			planned[count++] = object;
	}
	query_remote_plan(selection->remote, planned, count);
}

int query_selection_apply(struct query_session *session, struct str statement, struct err *err)
{
	struct query_selection *selection = session->selection;
	struct prune prune;
	bool fields[RECORD_FIELDS];

	memcpy(fields, selection->fields, sizeof(fields));
	if (selection->remote && query_remote_reset(selection->remote, err) < 0)
		return -1;
	bool mentions = find_conditions(session, statement, &prune);
	if (!mentions && !(selection->remote && selection->is_listed)) {
		prune_done(&prune);
		return 0;
	}
	prune_done(&selection->prune);
	selection->prune = prune;
	if (selection->remote && query_remote_take_outdated(selection->remote))
		selection->is_stale = true;
	bool is_covered = selection->is_listed && !selection->is_stale &&
			  (prune_is_everything(&selection->listed) ||
				  prune_equal(&selection->listed, &prune));
	if (selection->remote && mentions && !is_covered) {
		selection->is_listed = false;
		if (query_session_list(session, err) < 0)
			return -1;
		prune_done(&selection->listed);
		prune_copy(&selection->listed, &prune);
		selection->is_listed = true;
		selection->is_stale = false;
	} else if (!query_selection_mark(session) ||
		   (selection->remote && memcmp(fields, selection->fields, sizeof(fields)) != 0)) {
		if (query_session_prepare(session, err) < 0)
			return -1;
	}
	if (selection->remote)
		plan(session);
	return 0;
}

int query_selection_fetch(struct query_session *session, struct str text, struct err *err)
{
	struct query_remote *remote = session->selection->remote;

	return remote ? query_parts_fetch(session, remote, text, err) : 0;
}

void query_selection_stats(const struct query_session *session, struct query_stats *stats)
{
	const struct query_selection *selection = session->selection;
	struct query_remote_progress progress = {0};

	if (selection->remote)
		query_remote_progress(selection->remote, &progress);
	stats->listed = session->objects.count + selection->left_out;
	stats->pruned = stats->listed - selection->selected_count;
	stats->requests = progress.requests;
	stats->received = progress.bytes;
}

bool query_selection_progress(
	const struct query_session *session, struct query_progress *ret_progress)
{
	struct query_remote_progress progress;

	if (!session->selection->remote)
		return false;
	query_remote_progress(session->selection->remote, &progress);
	*ret_progress = (struct query_progress){.is_listing = progress.is_listing,
		.listed = progress.listed,
		.objects = progress.objects,
		.objects_all = progress.objects_all,
		.bytes = progress.bytes,
		.bytes_all = progress.bytes_all};
	return true;
}

void query_selection_interrupt(struct query_session *session)
{
	if (session->selection && session->selection->remote)
		query_remote_interrupt(session->selection->remote);
}
