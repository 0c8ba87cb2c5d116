#include "store/identities_priv.h"

#include "aws/arn.h"
#include "base/clock.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct store_edit {
	struct store_identities *identities;
	struct store_connection *connection;
	struct store_arena arena;
	bool writes, is_over;
	bool concerns_callers; /* what callers in memory were made of has changed */
};

static const struct {
	const char *arn_type, *id_prefix;
} kinds[STORE_ENTITY_KINDS] = {
	[STORE_USER] = {"user", "AIDA"},
	[STORE_GROUP] = {"group", "AGPA"},
	[STORE_ROLE] = {"role", "AROA"},
	[STORE_POLICY] = {"policy", "ANPA"},
	[STORE_PROFILE] = {"instance-profile", "AIPA"},
	[STORE_OIDC] = {"oidc-provider", "OIDC"},
};

enum { ID_LETTERS = 17, ID_SIZE = 4 + ID_LETTERS + 1 };

int store_edit_begin(struct store_identities *identities, bool writes, struct store_edit **ret_edit,
	struct err *err)
{
	_cleanup_free_ struct store_edit *edit = mem_new(1, sizeof(*edit));

	edit->identities = identities;
	edit->writes = writes;
	if (writes) {
		if (store_write_begin(identities->database, &edit->connection, err) < 0)
			return -1;
	} else {
		if (store_read_begin(identities->database, &edit->connection, err) < 0)
			return -1;
		if (store_execute(edit->connection, "BEGIN", err) < 0) {
			store_read_end(edit->connection);
			return -1;
		}
	}
	*ret_edit = take(edit);
	return 0;
}

int store_edit_commit(struct store_edit *edit, struct err *err)
{
	assert(!edit->is_over);
	if (!edit->writes)
		return 0;
	edit->is_over = true;
	if (store_commit(edit->connection, err) < 0)
		return -1;
	if (edit->concerns_callers)
		identities_changed(edit->identities);
	return 0;
}

void store_edit_end(struct store_edit *edit)
{
	if (!edit)
		return;
	if (!edit->writes) {
		store_execute(edit->connection, "COMMIT", NULL);
		store_read_end(edit->connection);
	} else if (!edit->is_over) {
		store_rollback(edit->connection);
	}
	store_arena_done(&edit->arena);
	free(edit);
}

struct str store_edit_printf(struct store_edit *edit, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	struct str text = store_arena_vprintf(&edit->arena, format, arguments);
	va_end(arguments);
	return text;
}

void *store_edit_take(struct store_edit *edit, size_t size)
{
	return store_arena_take(&edit->arena, size);
}

struct store_connection *edit_connection(struct store_edit *edit)
{
	return edit->connection;
}

struct store_arena *edit_arena(struct store_edit *edit)
{
	return &edit->arena;
}

struct store_identities *edit_identities(struct store_edit *edit)
{
	return edit->identities;
}

bool edit_concerns_callers(struct store_edit *edit, bool does)
{
	bool before = edit->concerns_callers;

	edit->concerns_callers = does;
	return before;
}

/* ---- entities ---- */

static struct str entity_arn(struct store_identities *identities, struct store_arena *arena,
	const struct store_entity *entity)
{
	return store_arena_printf(arena, "arn:aws:iam::%.*s:%s%.*s%.*s",
		STR_ARG(identities->account), kinds[entity->kind].arn_type, STR_ARG(entity->path),
		STR_ARG(entity->name));
}

void identities_entity_row(struct store_identities *identities, struct store_arena *arena,
	sqlite3_stmt *statement, struct store_entity *ret_entity)
{
	struct store_entity entity = {
		.kind = (enum store_entity_kind)store_column_i64(statement, 0),
		.id = store_arena_str(arena, store_column_str(statement, 1)),
		.name = store_arena_str(arena, store_column_str(statement, 2)),
		.path = store_arena_str(arena, store_column_str(statement, 3)),
		.created_ms = store_column_i64(statement, 4),
		.updated_ms = store_column_i64(statement, 5),
		.description = store_arena_str(arena, store_column_str(statement, 6)),
		.document = store_arena_str(arena, store_column_str(statement, 7)),
		.boundary = store_arena_str(arena, store_column_str(statement, 8)),
		.max_session_s = store_column_i64(statement, 9),
		.version = store_column_i64(statement, 10),
		.versions = store_column_i64(statement, 11),
		.used_ms = store_column_i64(statement, 12),
		.used_region = store_arena_str(arena, store_column_str(statement, 13)),
	};

	entity.arn = entity_arn(identities, arena, &entity);
	*ret_entity = entity;
}

static int read_entity(struct store_edit *edit, sqlite3_stmt *statement,
	struct store_entity *ret_entity, struct err *err)
{
	int result = store_step(statement, err);

	if (result < 0)
		return -1;
	if (result == 0)
		return STORE_EDIT_NONE;
	identities_entity_row(edit->identities, &edit->arena, statement, ret_entity);
	return 0;
}

int store_entity_find(struct store_edit *edit, enum store_entity_kind kind, struct str name,
	struct store_entity *ret_entity, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(edit->connection,
		    "SELECT " ENTITY_COLUMNS " FROM identity_entity"
		    " WHERE kind = ? AND name_key = lower(?)",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, kind);
	store_bind_str(statement, 2, name);
	return read_entity(edit, statement, ret_entity, err);
}

int store_entity_find_id(
	struct store_edit *edit, struct str id, struct store_entity *ret_entity, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(edit->connection,
		    "SELECT " ENTITY_COLUMNS " FROM identity_entity WHERE id = ?", &statement,
		    err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	return read_entity(edit, statement, ret_entity, err);
}

int store_entity_find_policy(
	struct store_edit *edit, struct str arn, struct store_entity *ret_entity, struct err *err)
{
	size_t slash = arn.n, index;

	if (managed_find(arn, &index)) {
		store_managed_entity(edit, index, ret_entity);
		return 0;
	}
	while (slash > 0 && arn.p[slash - 1] != '/')
		slash--;
	struct store_entity entity;
	int result = store_entity_find(
		edit, STORE_POLICY, (struct str){arn.p + slash, arn.n - slash}, &entity, err);
	if (result)
		return result;
	if (!str_equal(entity.arn, arn))
		return STORE_EDIT_NONE;
	*ret_entity = entity;
	return 0;
}

/* Whether another entity has the name. */
static int is_taken(struct store_edit *edit, const struct store_entity *entity, struct err *err)
{
	struct store_entity other;
	int result = store_entity_find(edit, entity->kind, entity->name, &other, err);

	if (result < 0)
		return -1;
	return result == 0 && !str_equal(other.id, entity->id) ? STORE_EDIT_EXISTS : 0;
}

static void bind_entity(sqlite3_stmt *statement, const struct store_entity *entity)
{
	store_bind_str(statement, 1, entity->id);
	store_bind_i64(statement, 2, entity->kind);
	store_bind_str(statement, 3, entity->name);
	store_bind_str(statement, 4, entity->path);
	store_bind_i64(statement, 5, entity->created_ms);
	store_bind_i64(statement, 6, entity->updated_ms);
	store_bind_str(statement, 7, entity->description);
	store_bind_str(statement, 8, entity->document);
	store_bind_str(statement, 9, entity->boundary);
	store_bind_i64(statement, 10, entity->max_session_s);
	store_bind_i64(statement, 11, entity->version);
	store_bind_i64(statement, 12, entity->versions);
	store_bind_i64(statement, 13, entity->used_ms);
	store_bind_str(statement, 14, entity->used_region);
}

static int write_entity(struct store_edit *edit, struct store_entity *entity, struct err *err)
{
	sqlite3_stmt *statement;
	int result = is_taken(edit, entity, err);

	edit->concerns_callers = true;
	if (result)
		return result;
	if (store_statement(edit->connection,
		    "INSERT OR REPLACE INTO identity_entity (id, kind, name, path, created_ms,"
		    " updated_ms, description, document, boundary, max_session_s, version,"
		    " versions, used_ms, used_region, name_key)"
		    " VALUES (?, ?, ?3, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, lower(?3))",
		    &statement, err) < 0)
		return -1;
	bind_entity(statement, entity);
	if (store_step(statement, err) < 0)
		return -1;
	entity->arn = entity_arn(edit->identities, &edit->arena, entity);
	return 0;
}

int store_entity_add(struct store_edit *edit, struct store_entity *entity, struct err *err)
{
	char *id = store_arena_take(&edit->arena, ID_SIZE);

	identities_random_id(id, kinds[entity->kind].id_prefix, ID_LETTERS);
	entity->id = str_from(id);
	entity->created_ms = entity->updated_ms = clock_wall_ns() / 1000000;
	return write_entity(edit, entity, err);
}

int store_entity_update(struct store_edit *edit, struct store_entity *entity, struct err *err)
{
	assert(!entity->is_aws);
	return write_entity(edit, entity, err);
}

static int run_with_id(struct store_edit *edit, const char *sql, struct str id, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(edit->connection, sql, &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	return store_step(statement, err);
}

int store_entity_remove(struct store_edit *edit, struct str id, struct err *err)
{
	static const char *const statements[] = {
		"DELETE FROM identity_document WHERE owner = ?",
		"DELETE FROM identity_link WHERE link = 3 AND start IN"
		" (SELECT access_key_id FROM identity_session WHERE owner = ?)",
		"DELETE FROM identity_tag WHERE owner = ?1 OR owner IN"
		" (SELECT access_key_id FROM identity_session WHERE owner = ?1)",
		"DELETE FROM identity_session WHERE owner = ?",
		"DELETE FROM identity_key WHERE owner = ?",
		"DELETE FROM identity_link WHERE link <> 3 AND start = ?",
		"DELETE FROM identity_link WHERE link IN (0, 1) AND target = ?",
		"DELETE FROM identity_entity WHERE id = ?",
	};

	edit->concerns_callers = true;
	assert(id.n); /* the empty one is root */
	for (size_t i = 0; i < ARRAY_SIZE(statements); i++)
		if (run_with_id(edit, statements[i], id, err) < 0)
			return -1;
	return 0;
}
static_assert(STORE_LINK_MEMBER == 0 && STORE_LINK_PROFILE == 1 && STORE_LINK_SESSION == 3,
	"the statements have the numbers");

int store_entity_list(struct store_edit *edit, enum store_entity_kind kind, struct str prefix,
	struct str after, size_t max, struct store_entity **ret_entities, size_t *ret_count,
	struct err *err)
{
	struct store_entity *entities = store_arena_take(&edit->arena, max * sizeof(*entities));
	sqlite3_stmt *statement;
	size_t count = 0;
	int result;

	if (store_statement(edit->connection,
		    "SELECT " ENTITY_COLUMNS " FROM identity_entity WHERE kind = ?"
		    " AND name_key > lower(?) AND substr(path, 1, length(?3)) = ?3"
		    " ORDER BY name_key LIMIT ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, kind);
	store_bind_str(statement, 2, after.p ? after : STR(""));
	store_bind_str(statement, 3, prefix);
	store_bind_i64(statement, 4, (int64_t)max);
	while ((result = store_step(statement, err)) > 0)
		identities_entity_row(
			edit->identities, &edit->arena, statement, &entities[count++]);
	*ret_entities = entities;
	*ret_count = count;
	return result;
}

int store_entity_count(
	struct store_edit *edit, enum store_entity_kind kind, int64_t *ret_count, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(edit->connection, "SELECT count(*) FROM identity_entity WHERE kind = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, kind);
	if (store_step(statement, err) < 0)
		return -1;
	*ret_count = store_column_i64(statement, 0);
	return 0;
}

/* ---- documents ---- */

int store_document_put(struct store_edit *edit, struct str owner, struct str name, struct str text,
	struct err *err)
{
	sqlite3_stmt *statement;

	edit->concerns_callers = true;
	if (store_statement(edit->connection,
		    "INSERT OR REPLACE INTO identity_document (owner, name, text, created_ms)"
		    " VALUES (?, ?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, owner);
	store_bind_str(statement, 2, name);
	store_bind_str(statement, 3, text);
	store_bind_i64(statement, 4, clock_wall_ns() / 1000000);
	return store_step(statement, err);
}

static void document_row(
	struct store_edit *edit, sqlite3_stmt *statement, struct store_document *ret_document)
{
	*ret_document = (struct store_document){
		.name = store_arena_str(&edit->arena, store_column_str(statement, 0)),
		.text = store_arena_str(&edit->arena, store_column_str(statement, 1)),
		.created_ms = store_column_i64(statement, 2),
	};
}

int store_document_get(struct store_edit *edit, struct str owner, struct str name,
	struct store_document *ret_document, struct err *err)
{
	sqlite3_stmt *statement;

	for (size_t i = 0; i < store_managed_count(); i++) {
		if (!str_equal(managed_at(i)->id, owner))
			continue;
		if (!str_equal(name, STR("v1")))
			return STORE_EDIT_NONE;
		*ret_document =
			(struct store_document){name, managed_at(i)->document, MANAGED_CREATED_MS};
		return 0;
	}
	if (store_statement(edit->connection,
		    "SELECT name, text, created_ms FROM identity_document"
		    " WHERE owner = ? AND name = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, owner);
	store_bind_str(statement, 2, name);
	int result = store_step(statement, err);
	if (result <= 0)
		return result < 0 ? -1 : STORE_EDIT_NONE;
	document_row(edit, statement, ret_document);
	return 0;
}

/* A deletion of at most one row. */
static int remove_row(struct store_edit *edit, const char *sql, struct str a, struct str b,
	int64_t number, struct err *err)
{
	sqlite3_stmt *statement;

	edit->concerns_callers = true;
	if (store_statement(edit->connection, sql, &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, a);
	if (b.p)
		store_bind_str(statement, 2, b);
	if (number >= 0)
		store_bind_i64(statement, 3, number);
	if (store_step(statement, err) < 0)
		return -1;
	return sqlite3_changes(sqlite3_db_handle(statement)) ? 0 : STORE_EDIT_NONE;
}

int store_document_remove(
	struct store_edit *edit, struct str owner, struct str name, struct err *err)
{
	return remove_row(edit, "DELETE FROM identity_document WHERE owner = ? AND name = ?", owner,
		name, -1, err);
}

int store_document_list(struct store_edit *edit, struct str owner,
	struct store_document **ret_documents, size_t *ret_count, struct err *err)
{
	struct store_document *documents = NULL;
	size_t count = 0, room = 0;
	sqlite3_stmt *statement;
	int result;

	if (store_statement(edit->connection,
		    "SELECT name, text, created_ms FROM identity_document WHERE owner = ?"
		    " ORDER BY name",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, owner);
	while ((result = store_step(statement, err)) > 0) {
		documents =
			store_arena_grow(&edit->arena, documents, count, &room, sizeof(*documents));
		document_row(edit, statement, &documents[count++]);
	}
	*ret_documents = documents;
	*ret_count = count;
	return result;
}

/* ---- links ---- */

int store_link_add(struct store_edit *edit, enum store_link link, struct str from, struct str to,
	struct err *err)
{
	sqlite3_stmt *statement;

	edit->concerns_callers = true;
	if (store_statement(edit->connection,
		    "INSERT OR IGNORE INTO identity_link (start, target, link) VALUES (?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, from);
	store_bind_str(statement, 2, to);
	store_bind_i64(statement, 3, link);
	if (store_step(statement, err) < 0)
		return -1;
	return sqlite3_changes(sqlite3_db_handle(statement)) ? 0 : STORE_EDIT_EXISTS;
}

int store_link_remove(struct store_edit *edit, enum store_link link, struct str from, struct str to,
	struct err *err)
{
	return remove_row(edit,
		"DELETE FROM identity_link WHERE start = ? AND target = ? AND link = ?", from, to,
		link, err);
}

static int list_texts(struct store_edit *edit, const char *sql, struct str value, int64_t number,
	struct str **ret_texts, size_t *ret_count, struct err *err)
{
	struct str *texts = NULL;
	size_t count = 0, room = 0;
	sqlite3_stmt *statement;
	int result;

	if (store_statement(edit->connection, sql, &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, value);
	if (number >= 0)
		store_bind_i64(statement, 2, number);
	while ((result = store_step(statement, err)) > 0) {
		texts = store_arena_grow(&edit->arena, texts, count, &room, sizeof(*texts));
		texts[count++] = store_arena_str(&edit->arena, store_column_str(statement, 0));
	}
	*ret_texts = texts;
	*ret_count = count;
	return result;
}

int store_link_from(struct store_edit *edit, enum store_link link, struct str from,
	struct str **ret_ends, size_t *ret_count, struct err *err)
{
	return list_texts(edit,
		"SELECT target FROM identity_link WHERE start = ? AND link = ? ORDER BY target",
		from, link, ret_ends, ret_count, err);
}

int store_link_to(struct store_edit *edit, enum store_link link, struct str to,
	struct str **ret_ends, size_t *ret_count, struct err *err)
{
	return list_texts(edit,
		"SELECT start FROM identity_link WHERE target = ? AND link = ? ORDER BY start", to,
		link, ret_ends, ret_count, err);
}

int store_boundary_users(struct store_edit *edit, struct str policy_arn, struct str **ret_ids,
	size_t *ret_count, struct err *err)
{
	return list_texts(edit,
		"SELECT id FROM identity_entity WHERE boundary = ? ORDER BY name_key", policy_arn,
		-1, ret_ids, ret_count, err);
}

/* ---- tags ---- */

int store_tag_put(struct store_edit *edit, struct str owner, struct str key, struct str value,
	struct err *err)
{
	sqlite3_stmt *statement;

	edit->concerns_callers = true;
	if (store_statement(edit->connection,
		    "INSERT OR REPLACE INTO identity_tag (owner, key, value) VALUES (?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, owner);
	store_bind_str(statement, 2, key);
	store_bind_str(statement, 3, value);
	return store_step(statement, err);
}

int store_tag_remove(struct store_edit *edit, struct str owner, struct str key, struct err *err)
{
	int result = remove_row(
		edit, "DELETE FROM identity_tag WHERE owner = ? AND key = ?", owner, key, -1, err);

	return result < 0 ? -1 : 0; /* no such tag is no error of AWS's either */
}

int store_tag_list(struct store_edit *edit, struct str owner, struct store_tag **ret_tags,
	size_t *ret_count, struct err *err)
{
	struct store_tag *tags = NULL;
	size_t count = 0, room = 0;
	sqlite3_stmt *statement;
	int result;

	if (store_statement(edit->connection,
		    "SELECT key, value FROM identity_tag WHERE owner = ? ORDER BY key", &statement,
		    err) < 0)
		return -1;
	store_bind_str(statement, 1, owner);
	while ((result = store_step(statement, err)) > 0) {
		tags = store_arena_grow(&edit->arena, tags, count, &room, sizeof(*tags));
		tags[count++] = (struct store_tag){
			store_arena_str(&edit->arena, store_column_str(statement, 0)),
			store_arena_str(&edit->arena, store_column_str(statement, 1))};
	}
	*ret_tags = tags;
	*ret_count = count;
	return result;
}

/* ---- alias ---- */

int store_alias_get(struct store_edit *edit, struct str *ret_alias, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(edit->connection,
		    "SELECT alias FROM identity_account WHERE alias <> ''", &statement, err) < 0)
		return -1;
	int result = store_step(statement, err);
	if (result <= 0)
		return result < 0 ? -1 : STORE_EDIT_NONE;
	*ret_alias = store_arena_str(&edit->arena, store_column_str(statement, 0));
	return 0;
}

int store_alias_set(struct store_edit *edit, struct str alias, struct err *err)
{
	return run_with_id(edit, "UPDATE identity_account SET alias = ?", alias, err);
}
