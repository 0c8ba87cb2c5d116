/* Access keys of the root user and of users, and sessions. A session's token is random bytes that
 * the session's row keeps: it says nothing by itself, outlives a restart, and ends with the row. */
#include "store/identities_priv.h"

#include "aws/digest.h"
#include "base/clock.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
	KEY_LETTERS = 16, /* behind AKIA or ASIA */
	SECRET_BYTES = 30,
	TOKEN_BYTES = 240,
	USES_WAIT_MS = 60000, /* until "last used" is written down */
};
#define SESSION_KEPT_MS INT64_C(86400000)

static int64_t now_ms(void)
{
	return clock_wall_ns() / 1000000;
}

static struct str random_base64(struct store_arena *arena, size_t bytes)
{
	uint8_t random[TOKEN_BYTES];
	char *text = store_arena_take(arena, AWS_BASE64_LENGTH(bytes) + 1);

	aws_random(random, bytes);
	aws_base64_write(text, random, bytes);
	return (struct str){text, AWS_BASE64_LENGTH(bytes)};
}

static struct str random_key_id(struct store_arena *arena, const char *prefix)
{
	char *id = store_arena_take(arena, 4 + KEY_LETTERS + 1);

	identities_random_id(id, prefix, KEY_LETTERS);
	return str_from(id);
}

int identities_key_insert(struct store_connection *writer, struct store_arena *arena,
	struct store_key *key, struct err *err)
{
	sqlite3_stmt *statement;

	key->access_key_id = random_key_id(arena, "AKIA");
	key->secret = random_base64(arena, SECRET_BYTES);
	key->created_ms = now_ms();
	key->is_active = true;
	if (store_statement(writer,
		    "INSERT INTO identity_key (access_key_id, owner, secret, active, created_ms)"
		    " VALUES (?, ?, ?, 1, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, key->access_key_id);
	store_bind_str(statement, 2, key->owner);
	store_bind_str(statement, 3, key->secret);
	store_bind_i64(statement, 4, key->created_ms);
	return store_step(statement, err);
}

int store_key_add(struct store_edit *edit, struct store_key *key, struct err *err)
{
	return identities_key_insert(edit_connection(edit), edit_arena(edit), key, err);
}

#define KEY_COLUMNS                                                                                \
	"access_key_id, secret, owner, active, created_ms, used_ms, used_service, used_region"

static void key_row(struct store_edit *edit, sqlite3_stmt *statement, struct store_key *ret_key)
{
	struct store_arena *arena = edit_arena(edit);
	struct store_identities *identities = edit_identities(edit);
	struct store_key key = {
		.access_key_id = store_arena_str(arena, store_column_str(statement, 0)),
		.secret = store_arena_str(arena, store_column_str(statement, 1)),
		.owner = store_arena_str(arena, store_column_str(statement, 2)),
		.is_active = store_column_i64(statement, 3) != 0,
		.created_ms = store_column_i64(statement, 4),
		.used_ms = store_column_i64(statement, 5),
		.used_service = store_arena_str(arena, store_column_str(statement, 6)),
		.used_region = store_arena_str(arena, store_column_str(statement, 7)),
	};

	pthread_mutex_lock(&identities->lock);
	for (struct identities_use *use = identities->uses; use; use = use->next) {
		if (!str_equal(str_from(use->access_key_id), key.access_key_id))
			continue;
		key.used_ms = use->used_ms;
		key.used_service = store_arena_str(arena, str_from(use->service));
		key.used_region = store_arena_str(arena, str_from(use->region));
	}
	pthread_mutex_unlock(&identities->lock);
	*ret_key = key;
}

int store_key_get(struct store_edit *edit, struct str access_key_id, struct store_key *ret_key,
	struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(edit_connection(edit),
		    "SELECT " KEY_COLUMNS " FROM identity_key WHERE access_key_id = ?", &statement,
		    err) < 0)
		return -1;
	store_bind_str(statement, 1, access_key_id);
	int result = store_step(statement, err);
	if (result <= 0)
		return result < 0 ? -1 : STORE_EDIT_NONE;
	key_row(edit, statement, ret_key);
	return 0;
}

int store_key_set_active(
	struct store_edit *edit, struct str access_key_id, bool is_active, struct err *err)
{
	sqlite3_stmt *statement;

	edit_concerns_callers(edit, true);
	if (store_statement(edit_connection(edit),
		    "UPDATE identity_key SET active = ? WHERE access_key_id = ?", &statement,
		    err) < 0)
		return -1;
	store_bind_i64(statement, 1, is_active);
	store_bind_str(statement, 2, access_key_id);
	return store_step(statement, err);
}

int store_key_remove(struct store_edit *edit, struct str access_key_id, struct err *err)
{
	sqlite3_stmt *statement;

	edit_concerns_callers(edit, true);
	if (store_statement(edit_connection(edit),
		    "DELETE FROM identity_key WHERE access_key_id = ?", &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, access_key_id);
	return store_step(statement, err);
}

int store_key_list(struct store_edit *edit, struct str owner, struct store_key **ret_keys,
	size_t *ret_count, struct err *err)
{
	struct store_key *keys = NULL;
	size_t count = 0, room = 0;
	sqlite3_stmt *statement;
	int result;

	if (store_statement(edit_connection(edit),
		    "SELECT " KEY_COLUMNS " FROM identity_key WHERE owner = ?"
		    " ORDER BY created_ms, access_key_id",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, owner);
	while ((result = store_step(statement, err)) > 0) {
		keys = store_arena_grow(edit_arena(edit), keys, count, &room, sizeof(*keys));
		key_row(edit, statement, &keys[count++]);
	}
	*ret_keys = keys;
	*ret_count = count;
	return result;
}

/* ---- last used ---- */

static void copy_text(char *target, size_t size, struct str text)
{
	snprintf(target, size, "%.*s", STR_ARG(text));
}

void store_caller_used(struct store_identities *identities, const struct store_caller *caller,
	struct str service, struct str region)
{
	int64_t now = now_ms();

	if (caller->expires_ms ||
		caller->access_key_id.n >= sizeof(identities->uses->access_key_id))
		return; /* of sessions nobody asks */
	pthread_mutex_lock(&identities->lock);
	struct identities_use *use = identities->uses;
	while (use && !str_equal(str_from(use->access_key_id), caller->access_key_id))
		use = use->next;
	if (!use) {
		use = mem_new(1, sizeof(*use));
		copy_text(use->access_key_id, sizeof(use->access_key_id), caller->access_key_id);
		use->next = identities->uses;
		identities->uses = use;
	}
	use->used_ms = now;
	copy_text(use->service, sizeof(use->service), service);
	copy_text(use->region, sizeof(use->region), region);
	if (!identities->uses_written_ms)
		identities->uses_written_ms = now;
	if (now - identities->uses_written_ms >= USES_WAIT_MS) {
		identities->uses_written_ms = now;
		identities->uses_are_due = true;
		pthread_cond_signal(&identities->wake);
	}
	pthread_mutex_unlock(&identities->lock);
}

static int write_use(
	struct store_connection *writer, const struct identities_use *use, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer,
		    "UPDATE identity_key SET used_ms = ?, used_service = ?, used_region = ?"
		    " WHERE access_key_id = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, use->used_ms);
	store_bind_str(statement, 2, str_from(use->service));
	store_bind_str(statement, 3, str_from(use->region));
	store_bind_str(statement, 4, str_from(use->access_key_id));
	return store_step(statement, err);
}

int identities_write_uses(struct store_identities *identities, struct err *err)
{
	struct store_connection *writer;
	int result = 0;

	pthread_mutex_lock(&identities->lock);
	struct identities_use *uses = take(identities->uses);
	pthread_mutex_unlock(&identities->lock);
	bool is_open = store_write_begin(identities->database, &writer, err) == 0;
	for (struct identities_use *use = uses; is_open && result == 0 && use; use = use->next)
		result = write_use(writer, use, err);
	while (uses) {
		struct identities_use *next = uses->next;
		free(uses);
		uses = next;
	}
	if (!is_open)
		return -1;
	if (result < 0) {
		store_rollback(writer);
		return -1;
	}
	return store_commit(writer, err);
}

static void *run_writer(void *context)
{
	struct store_identities *identities = context;

	pthread_mutex_lock(&identities->lock);
	while (!identities->is_closing) {
		if (!identities->uses_are_due) {
			pthread_cond_wait(&identities->wake, &identities->lock);
			continue;
		}
		identities->uses_are_due = false;
		pthread_mutex_unlock(&identities->lock);
		identities_write_uses(identities, NULL); /* the next time is as good */
		pthread_mutex_lock(&identities->lock);
	}
	pthread_mutex_unlock(&identities->lock);
	return NULL;
}

int identities_start_writer(struct store_identities *identities, struct err *err)
{
	sigset_t all, before;

	/* signals are for the threads of whoever opened */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&identities->writer, NULL, run_writer, identities);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return err_set_errno(err, error, "a thread of the identities");
	identities->has_writer = true;
	return 0;
}

void identities_stop_writer(struct store_identities *identities)
{
	if (!identities->has_writer)
		return;
	pthread_mutex_lock(&identities->lock);
	identities->is_closing = true;
	pthread_cond_signal(&identities->wake);
	pthread_mutex_unlock(&identities->lock);
	pthread_join(identities->writer, NULL);
	identities->has_writer = false;
}

/* ---- sessions ---- */

int identities_forget_sessions(struct store_connection *writer, struct err *err)
{
	static const char *const statements[] = {
		"DELETE FROM identity_link WHERE link = 3 AND start IN"
		" (SELECT access_key_id FROM identity_session WHERE expires_ms < ?)",
		"DELETE FROM identity_tag WHERE owner IN"
		" (SELECT access_key_id FROM identity_session WHERE expires_ms < ?)",
		"DELETE FROM identity_session WHERE expires_ms < ?",
	};

	for (size_t i = 0; i < ARRAY_SIZE(statements); i++) {
		sqlite3_stmt *statement;
		if (store_statement(writer, statements[i], &statement, err) < 0)
			return -1;
		store_bind_i64(statement, 1, now_ms() - SESSION_KEPT_MS);
		if (store_step(statement, err) < 0)
			return -1;
	}
	return 0;
}

int store_session_add(struct store_edit *edit, struct store_session *session, struct err *err)
{
	struct store_connection *writer = edit_connection(edit);
	sqlite3_stmt *statement;

	session->access_key_id = random_key_id(edit_arena(edit), "ASIA");
	session->secret = random_base64(edit_arena(edit), SECRET_BYTES);
	session->token = random_base64(edit_arena(edit), TOKEN_BYTES);
	if (identities_forget_sessions(writer, err) < 0)
		return -1;
	if (store_statement(writer,
		    "INSERT INTO identity_session (access_key_id, owner, name, secret, token,"
		    " policy, created_ms, expires_ms, source_identity, transitive_keys)"
		    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, session->access_key_id);
	store_bind_str(statement, 2, session->owner);
	store_bind_str(statement, 3, session->name);
	store_bind_str(statement, 4, session->secret);
	store_bind_str(statement, 5, session->token);
	store_bind_str(statement, 6, session->policy.p ? session->policy : STR(""));
	store_bind_i64(statement, 7, session->created_ms);
	store_bind_i64(statement, 8, session->expires_ms);
	store_bind_str(
		statement, 9, session->source_identity.p ? session->source_identity : STR(""));
	store_bind_str(
		statement, 10, session->transitive_keys.p ? session->transitive_keys : STR(""));
	if (store_step(statement, err) < 0)
		return -1;
	/* a new session concerns no caller that is known already */
	bool before = edit_concerns_callers(edit, false);
	for (size_t i = 0; i < session->policy_arn_count; i++)
		if (store_link_add(edit, STORE_LINK_SESSION, session->access_key_id,
			    session->policy_arns[i], err) < 0)
			return -1;
	for (size_t i = 0; i < session->tag_count; i++)
		if (store_tag_put(edit, session->access_key_id, session->tags[i].key,
			    session->tags[i].value, err) < 0)
			return -1;
	edit_concerns_callers(edit, before);
	return 0;
}

int store_role_used(struct store_edit *edit, struct str role, int64_t used_ms, struct str region,
	struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(edit_connection(edit),
		    "UPDATE identity_entity SET used_ms = ?, used_region = ? WHERE id = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_i64(statement, 1, used_ms);
	store_bind_str(statement, 2, region);
	store_bind_str(statement, 3, role);
	return store_step(statement, err);
}
