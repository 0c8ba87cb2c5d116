#include "query/filter_priv.h"
#include "query/functions.h"
#include "query/lexer_priv.h"
#include "query/prune_priv.h"
#include "query/rewrite_priv.h"
#include "query/selection_priv.h"

#include <stdio.h>
#include <unistd.h>

void query_add_literal(struct buf *buf, const char *text)
{
	buf_add_char(buf, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_char(buf, '\'');
		buf_add_char(buf, *text);
	}
	buf_add_char(buf, '\'');
}

void query_add_identifier(struct buf *buf, const char *text)
{
	buf_add_char(buf, '"');
	for (; *text; text++) {
		if (*text == '"')
			buf_add_char(buf, '"');
		buf_add_char(buf, *text);
	}
	buf_add_char(buf, '"');
}

int query_execute(
	struct query_session *session, const char *sql, duckdb_result *ret_result, struct err *err)
{
	duckdb_result result;
	int r = 0;

	if (duckdb_query(session->connection, sql, &result) != DuckDBSuccess)
		r = query_message(session, duckdb_result_error_type(&result),
			duckdb_result_error(&result), err);
	if (r == 0 && ret_result)
		*ret_result = result;
	else
		duckdb_destroy_result(&result);
	return r;
}

static int set_option(duckdb_config config, const char *name, const char *value, struct err *err)
{
	if (duckdb_set_config(config, name, value) == DuckDBSuccess)
		return 0;
	return err_set(err, ERR_USAGE, "DuckDB does not take %s = %s", name, value);
}

static int open_database(
	struct query_session *session, const struct query_options *options, struct err *err)
{
	_cleanup_free_ char *threads = mem_printf("%u", session->threads);
	_cleanup_free_ char *memory =
		mem_printf("%lluB", (unsigned long long)options->memory_limit);
	duckdb_config config = NULL;
	char *message = NULL;

	if (duckdb_create_config(&config) != DuckDBSuccess)
		return err_set(err, ERR_SYSTEM, "cannot start DuckDB");
	/* nothing is fetched from the network, nothing left in the current folder */
	int r = set_option(config, "autoinstall_known_extensions", "false", err);
	if (r == 0)
		r = set_option(config, "autoload_known_extensions", "false", err);
	if (r == 0)
		r = set_option(config, "allow_persistent_secrets", "false", err);
	if (r == 0)
		r = set_option(config, "temp_directory", session->temporary_folder, err);
	if (r == 0)
		r = set_option(config, "threads", threads, err);
	if (r == 0 && options->memory_limit)
		r = set_option(config, "memory_limit", memory, err);
	if (r == 0 && duckdb_open_ext(NULL, &session->database, config, &message) != DuckDBSuccess)
		r = err_set(err, ERR_SYSTEM, "cannot start DuckDB: %s", message ? message : "");
	duckdb_free(message);
	duckdb_destroy_config(&config);
	if (r == 0 && duckdb_connect(session->database, &session->connection) != DuckDBSuccess)
		r = err_set(err, ERR_SYSTEM, "cannot connect to DuckDB");
	/* AWS's times are UTC, and so are the days that statements group by */
	if (r == 0)
		r = query_execute(session, "SET TimeZone = 'UTC'", NULL, err);
	return r;
}

static int open_cache(
	struct query_session *session, const struct query_options *options, struct err *err)
{
	const struct query_cache_options cache = {
		.folder = options->cache_folder,
		.limit_bytes = options->cache_limit,
		.headerless = session->headerless,
		.strict = session->strict,
		.threads = session->threads,
	};

	return query_cache_open(&session->cache, &cache, err);
}

static unsigned count_cores(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return cores < 1 ? 1 : (unsigned)cores;
}

int query_session_open(
	struct query_session **ret_session, const struct query_options *options, struct err *err)
{
	if (duckdb_library_load(err) < 0)
		return -1;
	_cleanup_(query_session_closep) struct query_session *session =
		mem_new(1, sizeof(*session));
	const char *temporary = getenv("TMPDIR");
	pthread_mutex_init(&session->lock, NULL);
	session->strict = options->strict;
	if (options->headerless) {
		session->headerless_copy = *options->headerless;
		session->headerless = &session->headerless_copy;
	}
	session->threads = options->threads ? options->threads : count_cores();
	session->temporary_folder = mem_printf("%s/nagare-query-%d",
		temporary && *temporary ? temporary : "/var/tmp", (int)getpid());
	session->locations = mem_new(options->locations_count + 1, sizeof(*session->locations));
	for (size_t i = 0; i < options->locations_count; i++)
		session->locations[session->locations_count++] = mem_strdup(options->locations[i]);
	if (options->cache_folder && open_cache(session, options, err) < 0)
		return -1;
	if (open_database(session, options, err) < 0 || query_scan_register(session, err) < 0 ||
		query_functions_register(session->connection, err) < 0 ||
		query_selection_open(session, options, err) < 0 ||
		query_session_refresh(session, err) < 0)
		return -1;
	*ret_session = take(session);
	return 0;
}

/* Both lists are sorted by path: what has not changed keeps its shape. Returns whether nothing
 * has changed. */
static bool carry_shapes(
	struct query_session *session, struct query_objects *old, const size_t *old_shape)
{
	size_t kept = 0;
	size_t j = 0;

	for (size_t i = 0; i < session->objects.count; i++) {
		const struct query_object *object = &session->objects.object[i];
		session->object_shape[i] = SHAPE_UNKNOWN;
		while (j < old->count && strcmp(old->object[j].path, object->path) < 0)
			j++;
		if (j < old->count && old_shape[j] != SHAPE_UNKNOWN &&
			query_object_is_same(&old->object[j], object)) {
			session->object_shape[i] = old_shape[j];
			query_selection_carry(&old->object[j], &session->objects.object[i]);
			kept++;
		}
	}
	return kept == old->count && kept == session->objects.count;
}

/* An object that was read as text and is in the cache now has another shape. */
static void forget_text_shapes(struct query_session *session)
{
	for (size_t i = 0; i < session->objects.count; i++) {
		size_t shape = session->object_shape[i];
		if (session->objects.object[i].cached && shape < session->shapes_count &&
			!session->shapes[shape]->parquet)
			session->object_shape[i] = SHAPE_UNKNOWN;
	}
}

static int set_view(struct query_session *session, uint32_t aliases, struct err *err)
{
	_cleanup_buf_ struct buf sql = {0};

	buf_add_text(&sql, "CREATE OR REPLACE VIEW " REWRITE_TABLE " AS ");
	query_columns_view(session, aliases, &sql);
	if (query_execute(session, buf_text(&sql), NULL, err) < 0)
		return -1;
	session->view_aliases = aliases;
	session->view_filtered = session->filter != NULL;
	session->view_unsure = false;
	return 0;
}

static void list_texts(struct query_session *session)
{
	free(session->texts);
	free(session->text_stats);
	session->texts = mem_new(session->objects.count + 1, sizeof(*session->texts));
	session->text_stats = mem_new(session->objects.count + 1, sizeof(*session->text_stats));
	session->texts_count = 0;
	for (size_t i = 0; i < session->objects.count; i++) {
		const struct query_object *object = &session->objects.object[i];
		if (!query_object_is_parquet(object) && query_selection_has(session, i))
			session->texts[session->texts_count++] = i;
	}
}

int query_session_prepare(struct query_session *session, struct err *err)
{
	if (query_selection_cache(session, err) < 0)
		return -1;
	forget_text_shapes(session);
	list_texts(session);
	if (query_shapes_find(session, err) < 0)
		return -1;
	query_columns_make(session);
	query_filter_free(take(session->filter)); /* its columns are those of before */
	return set_view(session, session->kept_aliases, err);
}

int query_session_refresh(struct query_session *session, struct err *err)
{
	if (!query_selection_is_lazy(session))
		return query_session_list(session, err);
	query_selection_set_stale(session);
	return 0;
}

int query_session_list(struct query_session *session, struct err *err)
{
	struct query_objects old = session->objects;
	size_t *old_shape = session->object_shape;
	struct query_objects objects;

	if (query_objects_list(&objects, (const char *const *)session->locations,
		    session->locations_count, err) < 0)
		return -1;
	if (query_selection_list(session, &objects, err) < 0) {
		query_objects_done(&objects);
		return -1;
	}
	query_objects_sort(&objects);
	session->objects = objects;
	session->object_shape = mem_new(objects.count + 1, sizeof(*session->object_shape));
	bool unchanged = carry_shapes(session, &old, old_shape);
	free(old_shape);
	query_objects_done(&old);
	if (query_selection_mark(session) && unchanged)
		return 0;
	return query_session_prepare(session, err);
}

/* What DuckDB understands of the statement; empty when that is no tree (it will say why when it
 * runs it). */
static void parse_tree(struct query_session *session, struct str sql, struct buf *ret_tree)
{
	duckdb_prepared_statement prepared = NULL;
	duckdb_data_chunk chunk = NULL;
	duckdb_result result = {0};

	if (duckdb_prepare(session->connection, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR",
		    &prepared) == DuckDBSuccess &&
		duckdb_bind_varchar_length(prepared, 1, sql.p, sql.n) == DuckDBSuccess &&
		duckdb_execute_prepared(prepared, &result) == DuckDBSuccess &&
		(chunk = duckdb_fetch_chunk(result)) && duckdb_data_chunk_get_size(chunk) == 1) {
		duckdb_string_t *tree =
			duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
		buf_add(ret_tree, duckdb_string_t_data(tree), duckdb_string_t_length(*tree));
	}
	duckdb_destroy_data_chunk(&chunk);
	duckdb_destroy_result(&result);
	duckdb_destroy_prepare(&prepared);
}

/* The statement with an EXCLUDE list where `*` would show older names; sql itself when there is
 * nothing to do. */
static void exclude_aliases(struct query_session *session, struct buf *sql, struct str tree)
{
	_cleanup_buf_ struct buf rewritten = {0};

	if (rewrite_exclude_aliases(&rewritten, buf_str(sql), session->view_aliases, tree)) {
		buf_done(sql);
		*sql = rewritten;
		rewritten = (struct buf){0};
	}
}

static bool begins_with_one_of(struct str sql, const char *const *words)
{
	struct sql_token token;

	if (!sql_token_next_significant(&sql, &token))
		return false;
	for (; *words; words++) {
		if (sql_token_is(&token, *words))
			return true;
	}
	return false;
}

/* Whether what nagare's names mean may be different after this statement. */
static bool redefines(struct str sql)
{
	static const char *const names[] = {REWRITE_TABLE, QUERY_PREFIX_FUNCTION,
		"default_collation", "search_path", "schema", NULL};
	static const char *const certain[] = {"USE", "ATTACH", NULL};
	static const char *const possible[] = {
		"CREATE", "ALTER", "DROP", "SET", "RESET", "PRAGMA", NULL};
	struct sql_token token;

	if (begins_with_one_of(sql, certain))
		return true;
	if (!begins_with_one_of(sql, possible))
		return false;
	/* what is defined comes before AS or the brackets */
	while (sql_token_next_significant(&sql, &token) && !sql_token_is(&token, "AS")) {
		for (const char *const *name = names; *name; name++) {
			if (sql_token_names(&token, str_from(*name)))
				return true;
		}
	}
	return false;
}

static bool mentions_flow_logs(struct str sql)
{
	struct sql_token token;

	while (sql_token_next_significant(&sql, &token)) {
		if (sql_token_names(&token, STR(REWRITE_TABLE)))
			return true;
	}
	return false;
}

static bool has_parquet(const struct query_session *session)
{
	for (size_t i = 0; i < session->shapes_count; i++) {
		if (session->shapes[i]->parquet)
			return true;
	}
	return false;
}

/* What a transaction that is rolled back brings back must be the view of all rows; and it may be
 * one with other names than the last. */
static int prepare_transaction(struct query_session *session, struct str sql, struct err *err)
{
	static const char *const beginnings[] = {"BEGIN", "START", NULL};

	if (!begins_with_one_of(sql, beginnings)) {
		session->view_unsure = true;
		return 0;
	}
	return session->view_filtered ? set_view(session, session->view_aliases, err) : 0;
}

/* The text that DuckDB gets for one statement, and the view that it needs. */
static int rewrite(struct query_session *session, struct str sql, struct buf *text, struct err *err)
{
	static const char *const transactions[] = {
		"ABORT", "BEGIN", "COMMIT", "END", "ROLLBACK", "START", NULL};
	static const char *const definitions[] = {"CREATE", NULL};
	static const char *const descriptions[] = {"DESCRIBE", "DESC", "SHOW", "EXPLAIN", NULL};
	uint32_t mentioned = rewrite_mentioned_aliases(sql);

	_cleanup_buf_ struct buf called = {0};
	rewrite_prefix_calls(&called, sql);
	rewrite_quote_words(text, buf_str(&called));
	query_filter_free(take(session->filter));
	if (begins_with_one_of(sql, transactions))
		return prepare_transaction(session, sql, err);
	session->reads_cached |= (session->has_created || mentions_flow_logs(sql)) &&
				 !begins_with_one_of(sql, descriptions);
	session->has_created |= begins_with_one_of(sql, definitions);
	/* a view or macro over vpc_flow_logs is bound again each time that it is used */
	if (begins_with_one_of(sql, definitions))
		session->kept_aliases |= mentioned;
	mentioned = (mentioned | session->kept_aliases) & query_columns_aliases(session);
	bool other =
		mentioned != session->view_aliases || (session->view_unsure && !session->redefined);
	if (other && set_view(session, mentioned, err) < 0)
		return -1;
	session->redefined |= redefines(sql);
	_cleanup_buf_ struct buf tree = {0};
	/* also of EXPLAIN, COPY (...) TO and CREATE TABLE ... AS */
	struct str part = session->redefined ? STR_NONE : prune_select_part(buf_str(text));
	if (part.n) {
		parse_tree(session, part, &tree);
		session->filter = query_filter_from(session, buf_str(&tree));
	}
	bool filtered = session->filter && has_parquet(session);
	if ((filtered || session->view_filtered) && set_view(session, mentioned, err) < 0)
		return -1;
	if (mentioned) {
		tree.n = 0;
		parse_tree(session, buf_str(text), &tree);
		exclude_aliases(session, text, buf_str(&tree));
	}
	return 0;
}

static void reset_stats(struct query_session *session)
{
	session->interrupted = false;
	session->reads_cached = false;
	session->has_rows = false;
	session->errors_count = 0;
	session->failure = (struct err)ERR_INIT;
	if (session->text_stats)
		memset(session->text_stats, 0,
			(session->objects.count + 1) * sizeof(*session->text_stats));
}

static int select_objects(struct query_session *session, struct str statement, struct err *err)
{
	_cleanup_buf_ struct buf quoted = {0};

	rewrite_quote_words(&quoted, statement);
	return query_selection_apply(session, buf_str(&quoted), err);
}

int query_run(struct query_session *session, struct str sql, enum query_output output,
	struct query_result **ret_result, struct err *err)
{
	_cleanup_(query_result_freep) struct query_result *result = NULL;

	reset_stats(session);
	if (query_statement_is_empty(sql))
		return err_set(err, ERR_USAGE, "there is no statement to run");
	while (!query_statement_is_empty(sql)) {
		_cleanup_buf_ struct buf text = {0};
		size_t n = query_statement_length(sql);
		struct str statement = {sql.p, n ? n - 1 : sql.n};
		sql.p += n ? n : sql.n;
		sql.n -= n ? n : sql.n;
		if (query_statement_is_empty(statement))
			continue;
		/* what came before runs to its end, its rows are not wanted */
		if (result) {
			int r = query_result_finish(result, err);
			if (r != 0)
				return r;
			query_result_free(take(result));
		}
		if (select_objects(session, statement, err) < 0 ||
			rewrite(session, statement, &text, err) < 0 ||
			query_selection_fetch(session, buf_str(&text), err) < 0)
			return session->interrupted ? QUERY_INTERRUPTED : -1;
		int r = query_result_start(&result, session, buf_str(&text), output, err);
		if (r != 0)
			return r;
	}
	*ret_result = take(result);
	return 0;
}

bool query_session_is_lazy(const struct query_session *session)
{
	return query_selection_is_lazy(session);
}

size_t query_session_objects(const struct query_session *session)
{
	return session->objects.count;
}

/* What reading the text of cached objects met, when they were put into the cache. */
static void add_cached_stats(const struct query_session *session, struct query_stats *stats)
{
	for (size_t i = 0; i < session->objects.count; i++) {
		const struct query_cached *cached = session->objects.object[i].cached;
		if (!cached || !query_selection_has(session, i))
			continue;
		stats->objects++;
		stats->lines += cached->lines;
		stats->bad_lines += cached->bad_lines;
		stats->bad_objects += cached->bad_lines > 0;
		for (unsigned j = 0; j < cached->errors && stats->errors < QUERY_STATS_ERRORS; j++)
			stats->error[stats->errors++] = cached->error[j];
	}
}

void query_session_stats(struct query_session *session, struct query_stats *ret_stats)
{
	struct query_stats stats = {0};

	pthread_mutex_lock(&session->lock);
	for (size_t i = 0; i < session->texts_count; i++) {
		const struct query_text_stats *object = &session->text_stats[session->texts[i]];
		stats.objects += object->read;
		stats.packed_bytes += object->packed;
		stats.bytes += object->bytes;
		stats.rows += object->rows;
		stats.lines += object->lines;
		stats.bad_lines += object->bad_lines;
		stats.unchecked += object->unchecked;
		stats.bad_objects += object->bad_lines > 0;
	}
	stats.errors = session->errors_count;
	for (unsigned i = 0; i < session->errors_count; i++)
		stats.error[i] = session->errors[i].err;
	if (session->reads_cached)
		add_cached_stats(session, &stats);
	pthread_mutex_unlock(&session->lock);
	query_selection_stats(session, &stats);
	*ret_stats = stats;
}

void query_session_on_rows(
	struct query_session *session, void (*on_rows)(void *context), void *context)
{
	session->on_rows = on_rows;
	session->on_rows_context = context;
}

bool query_session_progress(struct query_session *session, struct query_progress *ret_progress)
{
	return !session->has_rows && query_selection_progress(session, ret_progress);
}

/* duckdb_interrupt stores into an atomic flag of the connection and does nothing else (read in the
 * machine code of 1.5.6), so that this may run in a signal handler. */
void query_interrupt(struct query_session *session)
{
	session->interrupted = true;
	duckdb_interrupt(session->connection);
	query_selection_interrupt(session);
}

void query_session_close(struct query_session *session)
{
	if (!session)
		return;
	duckdb_disconnect(&session->connection);
	duckdb_close(&session->database);
	query_filter_free(session->filter);
	query_columns_free(session);
	query_shapes_free(session);
	/* first: it may still be fetching objects that nobody reads any more */
	query_selection_free(session);
	query_objects_done(&session->objects);
	query_cache_close(session->cache);
	rmdir(session->temporary_folder);
	free(session->texts);
	free(session->text_stats);
	for (size_t i = 0; i < session->locations_count; i++)
		free(session->locations[i]);
	free(session->locations);
	free(session->temporary_folder);
	pthread_mutex_destroy(&session->lock);
	free(session);
}
