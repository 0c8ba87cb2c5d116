/* Which parts of Parquet objects at a server a statement needs: DuckDB is asked for its plan, whose
 * scans name the columns that they read and filter by. A name that stands anywhere in the plan is
 * taken for such a column, so that nothing is missed. A statement without a plan needs everything,
 * but for those that read no rows. */
#include "query/columns_priv.h"
#include "query/lexer_priv.h"
#include "query/prune_priv.h"
#include "query/remote_priv.h"
#include "query/selection_priv.h"

#include <ctype.h>
#include <jansson.h>

struct wanting {
	const struct query_session *session;
	struct buf plan; /* its texts, a line each */
};

static bool is_part_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool is_plain(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		if (!is_part_of_name(name.p[i]))
			return false;
	}
	return name.n > 0;
}

static bool wants_column(void *context, struct str name)
{
	const struct wanting *wanting = context;
	const struct buf *plan = &wanting->plan;

	/* one that is quoted, with who knows which escapes */
	if (!is_plain(name))
		return true;
	for (size_t i = 0; i + name.n <= plan->n; i++) {
		const char *p = plan->p + i;
		if (strncasecmp(p, name.p, name.n) == 0 && (i == 0 || !is_part_of_name(p[-1])) &&
			(i + name.n == plan->n || !is_part_of_name(p[name.n])))
			return true;
	}
	return false;
}

static bool wants_group(void *context, const struct query_object *object,
	const struct record_parquet_part *parts, size_t count)
{
	const struct wanting *wanting = context;
	const struct query_session *session = wanting->session;
	size_t shape = session->object_shape[object - session->objects.object];

	return shape >= session->shapes_count ||
	       query_columns_may_hold(session->shapes[shape], session->filter, parts, count);
}

/* Bounded by the depth that jansson parses. NOLINTBEGIN(misc-no-recursion) */
static void add_texts(struct buf *texts, const json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value)) {
		buf_add(texts, json_string_value(value), json_string_length(value));
		buf_add_char(texts, '\n');
	}
	json_array_foreach((json_t *)value, i, member) add_texts(texts, member);
	json_object_foreach((json_t *)value, key, member) add_texts(texts, member);
}
/* NOLINTEND(misc-no-recursion) */

/* False: there is no plan. */
static bool ask_plan(struct query_session *session, struct str select, struct buf *ret_texts)
{
	_cleanup_free_ char *sql = mem_printf("EXPLAIN (FORMAT json) %.*s", STR_ARG(select));
	duckdb_data_chunk chunk = NULL;
	duckdb_result result;
	json_t *plan = NULL;

	if (duckdb_query(session->connection, sql, &result) == DuckDBSuccess &&
		(chunk = duckdb_fetch_chunk(result)) && duckdb_data_chunk_get_size(chunk) == 1 &&
		duckdb_data_chunk_get_column_count(chunk) == 2) {
		duckdb_string_t *text =
			duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
		plan = json_loadb(
			duckdb_string_t_data(text), duckdb_string_t_length(*text), 0, NULL);
	}
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	if (!plan)
		return false;
	add_texts(ret_texts, plan);
	json_decref(plan);
	return true;
}

static bool is_statement(struct query_session *session, struct str sql)
{
	_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(sql));
	duckdb_prepared_statement prepared = NULL;
	bool is = duckdb_prepare(session->connection, text, &prepared) == DuckDBSuccess;

	duckdb_destroy_prepare(&prepared);
	return is;
}

/* Statements of these kinds read no rows of a table. */
static bool reads_nothing(struct str sql)
{
	static const char *const words[] = {"ABORT", "ALTER", "ATTACH", "BEGIN", "CHECKPOINT",
		"COMMIT", "DEALLOCATE", "DESC", "DESCRIBE", "DETACH", "DROP", "END", "INSTALL",
		"LOAD", "PRAGMA", "PREPARE", "RESET", "ROLLBACK", "SET", "SHOW", "START", "USE"};
	struct sql_token token, next;

	if (!sql_token_next_significant(&sql, &token))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (sql_token_is(&token, words[i]))
			return true;
	}
	return sql_token_is(&token, "EXPLAIN") && sql_token_next_significant(&sql, &next) &&
	       !sql_token_is(&next, "ANALYZE") && !sql_token_is_mark(&next, '(');
}

static size_t find_objects(struct query_session *session, struct query_object **ret_objects)
{
	size_t count = 0;

	for (size_t i = 0; i < session->objects.count; i++) {
		struct query_object *object = &session->objects.object[i];
		if (object->remote && object->remote->parts && query_selection_has(session, i))
			ret_objects[count++] = object;
	}
	return count;
}

int query_parts_fetch(
	struct query_session *session, struct query_remote *remote, struct str sql, struct err *err)
{
	_cleanup_free_ struct query_object **objects =
		mem_new(session->objects.count + 1, sizeof(struct query_object *));
	size_t count = find_objects(session, objects);
	struct wanting wanting = {.session = session};
	struct query_remote_want want = {&wanting, wants_column, wants_group};
	struct str select = prune_select_part(sql);

	if (count == 0 || reads_nothing(sql))
		return 0;
	bool is_known = select.n && ask_plan(session, select, &wanting.plan);
	int r = 0;
	/* DuckDB says itself what is wrong with it */
	if (is_known || is_statement(session, sql))
		r = query_remote_copy_parts(remote, objects, count, session->temporary_folder,
			is_known ? &want : NULL, err);
	buf_done(&wanting.plan);
	return r;
}
