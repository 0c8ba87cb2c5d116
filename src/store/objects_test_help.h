/* objects_test_help: a store in a folder of its own, and the store's calls with less to say. */
#pragma once

#include "store/objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct place {
	char folder[64];
	struct store_database *database;
	struct store_objects *objects;
};

static inline void place_open(struct place *place)
{
	struct err err = ERR_INIT;
	char path[sizeof(place->folder) + 16];

	snprintf(path, sizeof(path), "%s/" STORE_INDEX_NAME, place->folder);
	if (store_database_open(&place->database, path, &err) < 0 ||
		store_objects_open(&place->objects, place->folder, place->database, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		abort();
	}
}

static inline void place_close(struct place *place)
{
	store_objects_close(place->objects);
	store_database_close(place->database);
	place->objects = NULL;
	place->database = NULL;
}

static inline int place_shell(const struct place *place, const char *format, ...)
{
	char command[512];
	va_list arguments;
	int n = snprintf(command, sizeof(command), "cd %s && ", place->folder);

	va_start(arguments, format);
	vsnprintf(command + n, sizeof(command) - (size_t)n, format, arguments);
	va_end(arguments);
	return system(command);
}

static inline int place_setup(void **state)
{
	struct place *place = mem_new(1, sizeof(*place));

	snprintf(place->folder, sizeof(place->folder), "/tmp/nagare-objects-test-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	place_open(place);
	*state = place;
	return store_bucket_create(
		place->objects, STR("logs"), STR("us-east-1"), STR("111122223333"), NULL, NULL);
}

static inline int place_teardown(void **state)
{
	struct place *place = *state;
	char command[sizeof(place->folder) + 16];

	place_close(place);
	snprintf(command, sizeof(command), "rm -rf %s", place->folder);
	free(place);
	return system(command);
}

/* <0 with the error, or 0 and the version. */
static inline int put_with(struct place *place, struct str key, struct str bytes,
	const struct store_condition *condition, struct store_object *object,
	struct aws_error *error)
{
	_cleanup_(store_draft_freep) struct store_draft *draft = NULL;
	struct err err = ERR_INIT;
	int result = store_draft_new(place->objects, &draft, (int64_t)bytes.n, error, &err);

	if (result == 0)
		result = store_draft_add(draft, bytes, error, &err);
	if (result == 0)
		result = store_object_put(
			place->objects, STR("logs"), key, draft, condition, object, error, &err);
	return result;
}

static inline void put(
	struct place *place, const char *key, const char *bytes, char version[STORE_VERSION_MAX])
{
	struct store_object object = {0};
	struct aws_error error = {0};

	if (put_with(place, str_from(key), str_from(bytes), NULL, &object, &error) < 0)
		fail_msg("%s: %s", key, error.message);
	if (version)
		memcpy(version, object.version, STORE_VERSION_MAX);
}

/* The object's bytes as text; NULL and the error's code when there is none. */
static inline char *get(
	struct place *place, const char *key, const char *version, enum aws_error_code *ret_code)
{
	_cleanup_(store_object_done) struct store_object object = {0};
	struct aws_error error = {0};
	_cleanup_close_ int fd = -1;
	struct err err = ERR_INIT;

	if (ret_code)
		*ret_code = AWS_ERROR_NONE;
	if (store_object_get(place->objects, STR("logs"), str_from(key), str_from(version), &object,
		    &fd, &error, &err) < 0) {
		if (error.code == AWS_ERROR_INTERNAL_ERROR)
			fprintf(stderr, "%s: %s\n", key, err.message);
		if (ret_code)
			*ret_code = error.code;
		return NULL;
	}
	char *text = mem_new(1, (size_t)object.size + 1);
	assert_int_equal(read(fd, text, (size_t)object.size + 1), object.size);
	return text;
}

static inline void check_object(
	struct place *place, const char *key, const char *version, const char *bytes)
{
	enum aws_error_code code;
	_cleanup_free_ char *text = get(place, key, version, &code);

	if (!text)
		fail_msg("%s is not there: %s", key, aws_error_name(code));
	assert_string_equal(text, bytes);
}

static inline void check_none(
	struct place *place, const char *key, const char *version, enum aws_error_code wanted)
{
	enum aws_error_code code;

	assert_null(get(place, key, version, &code));
	assert_int_equal(code, wanted);
}

static inline struct store_deleted delete_object(
	struct place *place, const char *key, const char *version)
{
	struct store_deleted deleted;
	struct aws_error error = {0};

	if (store_object_delete(place->objects, STR("logs"), str_from(key), str_from(version), NULL,
		    &deleted, &error, NULL) < 0)
		fail_msg("%s: %s", key, error.message);
	return deleted;
}

/* "a b/ c": keys and common prefixes in order, '*' behind the latest of versions, '!' a marker. */
static inline void check_list(
	struct place *place, struct store_list_options options, const char *wanted)
{
	_cleanup_(store_list_done) struct store_list list = {0};
	_cleanup_buf_ struct buf text = {0};
	size_t object = 0, prefix = 0;

	options.bucket = STR("logs");
	if (!options.max)
		options.max = STORE_LIST_MAX;
	assert_int_equal(store_list(place->objects, &options, &list, NULL, NULL), 0);
	while (object < list.count || prefix < list.prefix_count) {
		bool is_object = object < list.count;
		if (is_object && prefix < list.prefix_count) {
			is_object =
				str_compare(list.objects[object].key, list.prefixes[prefix]) < 0;
		}
		if (text.n)
			buf_add_char(&text, ' ');
		if (!is_object) {
			buf_add_str(&text, list.prefixes[prefix++]);
			continue;
		}
		const struct store_object *found = &list.objects[object++];
		buf_add_str(&text, found->key);
		if (options.versions && found->is_latest)
			buf_add_char(&text, '*');
		if (found->is_delete_marker)
			buf_add_char(&text, '!');
	}
	if (list.is_truncated)
		buf_printf(&text, " ...%.*s", STR_ARG(list.next_key));
	assert_string_equal(buf_text(&text), wanted);
}
