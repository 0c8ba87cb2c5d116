/* Requests are answered from a table of callers in memory, filled when a key is first used. A
 * change (any commit of an edit) empties the table and starts a new generation; a caller that was
 * being read meanwhile is used by its request and not kept. So a change costs a few reads
 * afterwards, and nothing has to know which callers it touches. */
#include "store/identities_priv.h"

#include "aws/arn.h"
#include "aws/digest.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

const char identities_schema[] =
	"CREATE TABLE IF NOT EXISTS identity_account ("
	" account TEXT PRIMARY KEY, alias TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS identity_entity ("
	" id TEXT PRIMARY KEY, kind INTEGER NOT NULL, name TEXT NOT NULL,"
	" name_key TEXT NOT NULL, path TEXT NOT NULL, created_ms INTEGER NOT NULL,"
	" updated_ms INTEGER NOT NULL, description TEXT, document TEXT, boundary TEXT,"
	" max_session_s INTEGER NOT NULL, version INTEGER NOT NULL, versions INTEGER NOT NULL,"
	" used_ms INTEGER NOT NULL DEFAULT 0, used_region TEXT) WITHOUT ROWID;"
	"CREATE UNIQUE INDEX IF NOT EXISTS identity_entity_name ON identity_entity (kind, name_key);"
	"CREATE INDEX IF NOT EXISTS identity_entity_boundary ON identity_entity (boundary)"
	" WHERE boundary IS NOT NULL;"
	"CREATE TABLE IF NOT EXISTS identity_document ("
	" owner TEXT NOT NULL, name TEXT NOT NULL, text TEXT NOT NULL, created_ms INTEGER NOT NULL,"
	" PRIMARY KEY (owner, name)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS identity_link ("
	" link INTEGER NOT NULL, start TEXT NOT NULL, target TEXT NOT NULL,"
	" PRIMARY KEY (link, start, target)) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS identity_link_target ON identity_link (link, target);"
	"CREATE TABLE IF NOT EXISTS identity_tag ("
	" owner TEXT NOT NULL, key TEXT NOT NULL COLLATE NOCASE, value TEXT NOT NULL,"
	" PRIMARY KEY (owner, key)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS identity_key ("
	" access_key_id TEXT PRIMARY KEY, owner TEXT NOT NULL, secret TEXT NOT NULL,"
	" active INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" used_ms INTEGER NOT NULL DEFAULT 0, used_service TEXT, used_region TEXT) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS identity_key_owner ON identity_key (owner, created_ms);"
	"CREATE TABLE IF NOT EXISTS identity_session ("
	" access_key_id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL,"
	" source_identity TEXT NOT NULL, secret TEXT NOT NULL, token TEXT NOT NULL,"
	" policy TEXT NOT NULL, transitive_keys TEXT NOT NULL DEFAULT '',"
	" created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS identity_session_expires ON identity_session (expires_ms);"
	"CREATE INDEX IF NOT EXISTS identity_session_owner ON identity_session (owner);";

/* ---- arena ---- */

enum { CHUNK_BYTES = 4000 };

struct store_arena_chunk {
	struct store_arena_chunk *next;
	size_t used, size;
	max_align_t bytes[];
};

void *store_arena_take(struct store_arena *arena, size_t size)
{
	struct store_arena_chunk *chunk = arena->chunks;

	size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
		chunk = mem_new(1, sizeof(*chunk) + room);
		chunk->size = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	void *place = (char *)chunk->bytes + chunk->used;
	chunk->used += size;
	return place;
}

struct str store_arena_str(struct store_arena *arena, struct str text)
{
	if (!text.p)
		return STR_NONE;
	char *copy = store_arena_take(arena, text.n + 1);
	if (text.n)
		memcpy(copy, text.p, text.n);
	return (struct str){copy, text.n};
}

struct str store_arena_vprintf(struct store_arena *arena, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	assert(n >= 0);
	char *text = store_arena_take(arena, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, format, arguments);
	return (struct str){text, (size_t)n};
}

struct str store_arena_printf(struct store_arena *arena, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	struct str text = store_arena_vprintf(arena, format, arguments);
	va_end(arguments);
	return text;
}

void *store_arena_grow(
	struct store_arena *arena, void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? *room * 2 : 8;
	void *larger = store_arena_take(arena, *room * size);
	if (count)
		memcpy(larger, list, count * size);
	return larger;
}

void store_arena_done(struct store_arena *arena)
{
	while (arena->chunks) {
		struct store_arena_chunk *chunk = arena->chunks;
		arena->chunks = chunk->next;
		free(chunk);
	}
}

/* ---- opening ---- */

/* AWS's ids: a prefix that tells the kind, then base32 digits. */
void identities_random_id(char *ret_id, const char *prefix, size_t letters)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint8_t random[32];
	size_t n = strlen(prefix);

	assert(letters <= sizeof(random));
	aws_random(random, letters);
	memcpy(ret_id, prefix, n);
	for (size_t i = 0; i < letters; i++)
		ret_id[n + i] = digits[random[i] & 31];
	ret_id[n + letters] = '\0';
}

static int claim_account(
	struct store_identities *identities, struct store_connection *writer, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer, "SELECT account FROM identity_account", &statement, err) < 0)
		return -1;
	int result = store_step(statement, err);
	if (result < 0)
		return -1;
	if (result > 0) {
		struct str account = store_column_str(statement, 0);
		if (str_equal(account, identities->account))
			return 0;
		err_set(err, ERR_USAGE, "the data is of account %.*s, not %.*s", STR_ARG(account),
			STR_ARG(identities->account));
		return err_hint(err, "name that account, or another data directory");
	}
	if (store_statement(writer, "INSERT INTO identity_account (account) VALUES (?)", &statement,
		    err) < 0)
		return -1;
	store_bind_str(statement, 1, identities->account);
	return store_step(statement, err);
}

static int find_or_make_root_key(
	struct store_identities *identities, struct store_connection *writer, struct err *err)
{
	struct store_key key = {.owner = STR("")};
	sqlite3_stmt *statement;

	if (store_statement(writer,
		    "SELECT access_key_id, secret FROM identity_key WHERE owner = '' AND active"
		    " ORDER BY created_ms, access_key_id LIMIT 1",
		    &statement, err) < 0)
		return -1;
	int result = store_step(statement, err);
	if (result < 0)
		return -1;
	if (result > 0) {
		key.access_key_id = store_column_str(statement, 0);
		key.secret = store_column_str(statement, 1);
	} else if (identities_key_insert(writer, &identities->arena, &key, err) < 0) {
		return -1;
	}
	identities->root_key_id = store_arena_str(&identities->arena, key.access_key_id);
	identities->root_secret = store_arena_str(&identities->arena, key.secret);
	return 0;
}

/* Columns that a table of an older nagare does not have. The names are ours: no statement of the
 * schema can bind one. */
static int add_columns(struct store_connection *writer, struct err *err)
{
	static const struct {
		const char *name, *add;
	} columns[] = {
		{"source_identity", "ALTER TABLE identity_session"
				    " ADD COLUMN source_identity TEXT NOT NULL DEFAULT ''"},
		{"transitive_keys", "ALTER TABLE identity_session"
				    " ADD COLUMN transitive_keys TEXT NOT NULL DEFAULT ''"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		sqlite3_stmt *statement;
		if (store_statement(writer,
			    "SELECT 1 FROM pragma_table_info('identity_session') WHERE name = ?",
			    &statement, err) < 0)
			return -1;
		store_bind_str(statement, 1, str_from(columns[i].name));
		int found = store_step(statement, err);
		sqlite3_reset(statement);
		if (found < 0 || (!found && store_execute(writer, columns[i].add, err) < 0))
			return -1;
	}
	return 0;
}

static int prepare(struct store_identities *identities, struct err *err)
{
	struct store_connection *writer;

	if (store_write_begin(identities->database, &writer, err) < 0)
		return -1;
	if (store_execute(writer, identities_schema, err) < 0 || add_columns(writer, err) < 0 ||
		claim_account(identities, writer, err) < 0 ||
		find_or_make_root_key(identities, writer, err) < 0 ||
		identities_forget_sessions(writer, err) < 0) {
		store_rollback(writer);
		return -1;
	}
	return store_commit(writer, err);
}

static int parse_fixed_policies(struct store_identities *identities, struct err *err)
{
	static const char all[] = "{\"Version\":\"2012-10-17\",\"Statement\":"
				  "{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}}";

	if (aws_policy_parse(&identities->all, str_from(all), AWS_POLICY_IDENTITY, err) < 0)
		return -1;
	identities->managed = mem_new(store_managed_count(), sizeof(*identities->managed));
	for (size_t i = 0; i < store_managed_count(); i++)
		if (aws_policy_parse(&identities->managed[i], managed_at(i)->document,
			    AWS_POLICY_IDENTITY, err) < 0)
			return err_wrap(err, "%.*s", STR_ARG(managed_at(i)->name));
	return 0;
}

static struct str canonical_id(struct store_identities *identities)
{
	char *text = store_arena_take(&identities->arena, AWS_CANONICAL_ID_SIZE + 1);

	aws_canonical_id(identities->account, text);
	return (struct str){text, AWS_CANONICAL_ID_SIZE};
}

int store_identities_open(struct store_identities **ret_identities, struct store_database *database,
	struct str account, struct err *err)
{
	uint64_t digits;

	if (account.n != 12 || !number_parse(account, UINT64_MAX, &digits))
		return err_set(
			err, ERR_USAGE, "an account id is 12 digits, not '%.*s'", STR_ARG(account));
	_cleanup_(store_identities_closep) struct store_identities *identities =
		mem_new(1, sizeof(*identities));
	identities->database = database;
	pthread_mutex_init(&identities->lock, NULL);
	pthread_cond_init(&identities->wake, NULL);
	aws_random(&identities->seed, sizeof(identities->seed));
	identities->account = store_arena_str(&identities->arena, account);
	identities->canonical_id = canonical_id(identities);
	if (parse_fixed_policies(identities, err) < 0 || prepare(identities, err) < 0 ||
		identities_start_writer(identities, err) < 0)
		return -1;
	*ret_identities = take(identities);
	return 0;
}

static void forget_callers(struct store_identities *identities)
{
	for (size_t i = 0; i < IDENTITIES_BUCKETS; i++) {
		while (identities->callers[i]) {
			struct caller *caller = identities->callers[i];
			identities->callers[i] = caller->next;
			if (--caller->references == 0)
				caller_free(caller);
		}
	}
	identities->caller_count = 0;
}

void store_identities_close(struct store_identities *identities)
{
	if (!identities)
		return;
	identities_stop_writer(identities);
	if (identities->uses)
		identities_write_uses(identities, NULL); /* best effort: last used, no more */
	forget_callers(identities);
	for (size_t i = 0; identities->managed && i < store_managed_count(); i++)
		aws_policy_free(identities->managed[i]);
	free(identities->managed);
	aws_policy_free(identities->all);
	pthread_cond_destroy(&identities->wake);
	pthread_mutex_destroy(&identities->lock);
	store_arena_done(&identities->arena);
	free(identities);
}

/* ---- callers ---- */

void identities_changed(struct store_identities *identities)
{
	pthread_mutex_lock(&identities->lock);
	identities->generation++;
	forget_callers(identities);
	pthread_mutex_unlock(&identities->lock);
}

static struct caller *find(struct store_identities *identities, uint64_t hash, struct str key_id)
{
	for (struct caller *caller = identities->callers[hash % IDENTITIES_BUCKETS]; caller;
		caller = caller->next)
		if (caller->hash == hash && str_equal(caller->public.access_key_id, key_id))
			return caller;
	return NULL;
}

struct store_caller *store_caller_find(
	struct store_identities *identities, struct str access_key_id)
{
	uint64_t hash = hash_bytes(access_key_id.p, access_key_id.n, identities->seed);

	pthread_mutex_lock(&identities->lock);
	struct caller *caller = find(identities, hash, access_key_id);
	uint64_t generation = identities->generation;
	if (caller)
		caller->references++;
	pthread_mutex_unlock(&identities->lock);
	if (caller)
		return &caller->public;

	if (access_key_id.n > STORE_ACCESS_KEY_MAX ||
		caller_load(identities, access_key_id, &caller, NULL) < 0 || !caller)
		return NULL;
	caller->hash = hash;
	caller->references = 1;
	pthread_mutex_lock(&identities->lock);
	if (generation == identities->generation && !find(identities, hash, access_key_id)) {
		if (identities->caller_count == IDENTITIES_CALLERS)
			forget_callers(identities);
		caller->references++;
		caller->next = identities->callers[hash % IDENTITIES_BUCKETS];
		identities->callers[hash % IDENTITIES_BUCKETS] = caller;
		identities->caller_count++;
	}
	pthread_mutex_unlock(&identities->lock);
	return &caller->public;
}

struct store_caller *store_caller_ref(struct store_caller *caller)
{
	struct caller *whole = (struct caller *)caller;

	pthread_mutex_lock(&whole->identities->lock);
	whole->references++;
	pthread_mutex_unlock(&whole->identities->lock);
	return caller;
}

void store_caller_unref(struct store_caller *caller)
{
	struct caller *whole = (struct caller *)caller;

	if (!whole)
		return;
	struct store_identities *identities = whole->identities;
	pthread_mutex_lock(&identities->lock);
	bool is_last = --whole->references == 0;
	pthread_mutex_unlock(&identities->lock);
	if (is_last)
		caller_free(whole);
}

/* ---- root key ---- */

void store_identities_root_key(
	struct store_identities *identities, struct str *ret_access_key_id, struct str *ret_secret)
{
	*ret_access_key_id = identities->root_key_id;
	*ret_secret = identities->root_secret;
}

struct str store_identities_account(struct store_identities *identities)
{
	return identities->account;
}

int store_identities_write_profile(struct store_identities *identities, const char *path,
	struct str region, struct str endpoint, struct err *err)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_buf_ struct buf there = {0};
	_cleanup_(file_draft_done) struct file_draft draft = FILE_DRAFT_INIT;

	buf_printf(&text,
		"[" STORE_PROFILE_NAME "]\n"
		"aws_access_key_id = %.*s\n"
		"aws_secret_access_key = %.*s\n"
		"region = %.*s\n"
		"endpoint_url = %.*s\n",
		STR_ARG(identities->root_key_id), STR_ARG(identities->root_secret), STR_ARG(region),
		STR_ARG(endpoint));
	if (file_read(path, 65536, &there, NULL) == 0 && str_equal(buf_str(&there), buf_str(&text)))
		return chmod(path, 0600) < 0 ? err_set_errno(err, errno, "%s", path) : 0;
	if (file_draft_open(&draft, path, err) < 0)
		return -1;
	if (fchmod(draft.fd, 0600) < 0)
		return err_set_errno(err, errno, "%s", draft.draft_path);
	if (file_draft_write(&draft, buf_str(&text), err) < 0)
		return -1;
	return file_draft_commit(&draft, true, err);
}
