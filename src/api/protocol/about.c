#include "api/service.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

struct str api_member_text(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

int64_t api_member_number(const json_t *object, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(object, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static struct str copy(struct str text)
{
	char *bytes = mem_new(text.n + 1, 1);

	if (text.n)
		memcpy(bytes, text.p, text.n);
	return (struct str){bytes, text.n};
}

void api_about_resource(struct api_authorization *authorization, const char *format, ...)
{
	va_list arguments;
	char *made = NULL;

	va_start(arguments, format);
	int n = vasprintf(&made, format, arguments);
	va_end(arguments);
	if (n < 0)
		abort(); /* as mem_new does */
	authorization->resources = mem_grow(authorization->resources,
		authorization->resource_count + 1, sizeof(*authorization->resources));
	authorization->resources[authorization->resource_count++] = (struct str){made, (size_t)n};
}

/* The key of that name, whatever its case, as policies compare them. Takes name. */
static struct aws_context_key *find_or_add(struct api_authorization *authorization, struct str name)
{
	for (size_t i = 0; i < authorization->context_count; i++) {
		if (str_equal_ignoring_case(authorization->context[i].name, name)) {
			free((char *)name.p);
			return &authorization->context[i];
		}
	}
	authorization->context = mem_grow(authorization->context, authorization->context_count + 1,
		sizeof(*authorization->context));
	struct aws_context_key *key = &authorization->context[authorization->context_count++];
	*key = (struct aws_context_key){.name = name};
	return key;
}

static void add_value(struct aws_context_key *key, struct str value)
{
	struct str *values =
		mem_grow((struct str *)key->values, key->value_count + 1, sizeof(*values));

	values[key->value_count++] = copy(value);
	key->values = values;
}

void api_about_key(struct api_authorization *authorization, struct str name, struct str value)
{
	add_value(find_or_add(authorization, copy(name)), value);
}

void api_about_tag(struct api_authorization *authorization, struct str prefix, struct str key,
	struct str value)
{
	struct buf name = {0};

	buf_add_str(&name, prefix);
	buf_add_str(&name, key);
	add_value(find_or_add(authorization, (struct str){name.p, name.n}), value);
}

void api_authorization_done(struct api_authorization *authorization)
{
	for (size_t i = 0; i < authorization->resource_count; i++)
		free((char *)authorization->resources[i].p);
	for (size_t i = 0; i < authorization->context_count; i++) {
		struct aws_context_key *key = &authorization->context[i];
		for (size_t j = 0; j < key->value_count; j++)
			free((char *)key->values[j].p);
		free((struct str *)key->values);
		free((char *)key->name.p);
	}
	free(authorization->resources);
	free(authorization->context);
	*authorization = (struct api_authorization){0};
}
