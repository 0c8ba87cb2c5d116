/* Tags that users give, of all resources of EC2. A row without a value hides the agent's own tag of
 * that key. Memory has all of them as one object, made anew after a change. */
#include "store/network_priv.h"

#include <string.h>

static void add_row(json_t *all, sqlite3_stmt *statement)
{
	struct str id = store_column_str(statement, 0), key = store_column_str(statement, 1),
		   value = store_column_str(statement, 2);
	json_t *tags = json_object_get(all, id.p); /* SQLite ends texts with NUL */

	if (!tags) {
		tags = json_object();
		json_object_set_new(all, id.p, tags);
	}
	json_object_set_new(tags, key.p, value.p ? json_stringn(value.p, value.n) : json_null());
}

static int read_all(struct store_database *database, json_t *all, struct err *err)
{
	struct store_connection *reader;
	sqlite3_stmt *statement;
	int result;

	if (store_read_begin(database, &reader, err) < 0)
		return -1;
	result = store_statement(
		reader, "SELECT resource_id, key, value FROM network_tag", &statement, err);
	while (result == 0) {
		result = store_step(statement, err);
		if (result <= 0)
			break;
		add_row(all, statement);
		result = 0;
	}
	store_read_end(reader);
	return result;
}

int store_tags_reload(struct store_network *network, struct err *err)
{
	json_t *all = json_object();

	/* Read under the lock: of two changes the later one is what stays in memory. */
	pthread_mutex_lock(&network->lock);
	int result = read_all(network->database, all, err);
	json_t *old = result < 0 ? all : network->tags;
	if (result == 0)
		network->tags = all;
	pthread_mutex_unlock(&network->lock);
	json_decref(old);
	return result;
}

json_t *store_tags_all(struct store_network *network)
{
	pthread_mutex_lock(&network->lock);
	json_t *all = json_incref(network->tags);
	pthread_mutex_unlock(&network->lock);
	return all;
}

/* ---- of one resource ---- */

struct entry {
	const char *key;
	const json_t *value;
};

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

json_t *store_tags_of(const json_t *all, const char *id, const json_t *own)
{
	const json_t *given = json_object_get(all, id);
	_cleanup_free_ struct entry *entries =
		mem_new(json_array_size(own) + json_object_size(given) + 1, sizeof(*entries));
	json_t *list = json_array(), *value;
	const char *key;
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(own); i++) {
		const json_t *tag = json_array_get(own, i);
		key = json_string_value(json_object_get(tag, "Key"));
		if (key && !json_object_get(given, key))
			entries[count++] = (struct entry){key, json_object_get(tag, "Value")};
	}
	json_object_foreach((json_t *)given, key, value) if (!json_is_null(value))
		entries[count++] = (struct entry){key, value};
	qsort(entries, count, sizeof(*entries), by_key);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:O}", "Key", entries[i].key, "Value", entries[i].value));
	return list;
}

/* ---- changes ---- */

/* value NULL: hidden. */
static int put(struct store_connection *writer, struct str id, const char *key, const json_t *value,
	struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer, "INSERT OR REPLACE INTO network_tag VALUES (?, ?, ?)",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	store_bind_str(statement, 2, str_from(key));
	store_bind_str(statement, 3,
		value ? (struct str){json_string_value(value), json_string_length(value)}
		      : STR_NONE);
	return store_step(statement, err);
}

int store_tags_insert(
	struct store_connection *writer, struct str id, const json_t *set, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach(
		(json_t *)set, key, value) if (put(writer, id, key, value, err) < 0) return -1;
	return 0;
}

int store_tags_forget(struct store_connection *writer, struct str id, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(
		    writer, "DELETE FROM network_tag WHERE resource_id = ?", &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	return store_step(statement, err);
}

/* 1: too many. */
static int check_count(struct store_connection *writer, struct str id, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer,
		    "SELECT count(*) FROM network_tag WHERE resource_id = ? AND value IS NOT NULL",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	if (store_step(statement, err) < 0)
		return -1;
	return store_column_i64(statement, 0) > STORE_RESOURCE_TAGS_MAX;
}

static int end(
	struct store_network *network, struct store_connection *writer, int result, struct err *err)
{
	if (result != 0) {
		store_rollback(writer);
		return result;
	}
	if (store_commit(writer, err) < 0)
		return -1;
	return store_tags_reload(network, err);
}

int store_tags_put(struct store_network *network, const struct str *ids, size_t count,
	const json_t *set, struct err *err)
{
	struct store_connection *writer;
	int result = 0;

	if (store_write_begin(network->database, &writer, err) < 0)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++) {
		result = store_tags_insert(writer, ids[i], set, err);
		if (result == 0)
			result = check_count(writer, ids[i], err);
	}
	return end(network, writer, result, err);
}

static int delete_key(
	struct store_connection *writer, struct str id, const char *key, struct err *err)
{
	sqlite3_stmt *statement;

	if (store_statement(writer, "DELETE FROM network_tag WHERE resource_id = ? AND key = ?",
		    &statement, err) < 0)
		return -1;
	store_bind_str(statement, 1, id);
	store_bind_str(statement, 2, str_from(key));
	return store_step(statement, err);
}

int store_tags_delete(struct store_network *network, struct str id, const json_t *keys,
	const json_t *hide, struct err *err)
{
	struct store_connection *writer;
	const char *key;
	json_t *value;
	int result = 0;

	if (store_write_begin(network->database, &writer, err) < 0)
		return -1;
	json_object_foreach((json_t *)keys, key, value) if (result == 0) result =
		delete_key(writer, id, key, err);
	json_object_foreach((json_t *)hide, key, value) if (result == 0) result =
		put(writer, id, key, NULL, err);
	return end(network, writer, result, err);
}
