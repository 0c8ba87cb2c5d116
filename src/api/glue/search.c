/* SearchTables: all tables of the catalog, filtered and sorted here. A token is how many of the
 * sorted tables were given. */
#include "api/glue/glue_priv.h"

#include <ctype.h>
#include <stdio.h>

static bool contains(struct str text, struct str wanted)
{
	for (size_t i = 0; i + wanted.n <= text.n; i++)
		if (str_equal_ignoring_case((struct str){text.p + i, wanted.n}, wanted))
			return true;
	return false;
}

/* Exact when it is quoted. */
static bool finds(struct str text, struct str wanted)
{
	if (!text.p)
		return false;
	if (wanted.n >= 2 && wanted.p[0] == '"' && wanted.p[wanted.n - 1] == '"')
		return str_equal(text, (struct str){wanted.p + 1, wanted.n - 2});
	return contains(text, wanted);
}

static bool has_text(const json_t *table, struct str wanted)
{
	static const char *const members[] = {
		"Name", "DatabaseName", "Description", "Owner", "TableType"};
	const json_t *storage = json_object_get(table, "StorageDescriptor");
	const json_t *lists[] = {
		json_object_get(storage, "Columns"), json_object_get(table, "PartitionKeys")};
	const char *key;
	json_t *value;
	size_t i;

	for (size_t m = 0; m < ARRAY_SIZE(members); m++)
		if (finds(glue_text(table, members[m]), wanted))
			return true;
	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		json_array_foreach(lists[l], i, value)
		{
			if (finds(glue_text(value, "Name"), wanted) ||
				finds(glue_text(value, "Comment"), wanted))
				return true;
		}
	json_object_foreach(json_object_get(table, "Parameters"), key, value)
	{
		if (finds(str_from(key), wanted) ||
			(json_is_string(value) &&
				finds(str_from(json_string_value(value)), wanted)))
			return true;
	}
	return false;
}

static bool compares(const char *comparator, int order)
{
	if (strcmp(comparator, "GREATER_THAN") == 0)
		return order > 0;
	if (strcmp(comparator, "LESS_THAN") == 0)
		return order < 0;
	if (strcmp(comparator, "GREATER_THAN_EQUALS") == 0)
		return order >= 0;
	if (strcmp(comparator, "LESS_THAN_EQUALS") == 0)
		return order <= 0;
	return order == 0;
}

/* A member of the table, or one of its parameters; times are compared in seconds. */
static bool holds(const json_t *table, const json_t *filter)
{
	struct str key = glue_text(filter, "Key"), wanted = glue_text(filter, "Value");
	struct str comparator = glue_text(filter, "Comparator");
	char name[256];

	if (!key.n || key.n >= sizeof(name) || !wanted.p)
		return false;
	snprintf(name, sizeof(name), "%.*s", STR_ARG(key));
	name[0] = (char)toupper((unsigned char)name[0]);
	const json_t *value = json_object_get(table, name);
	if (json_is_integer(value)) {
		int64_t number = json_integer_value(value) / 1000;
		int64_t other = strtoll(wanted.p, NULL, 10);
		return compares(comparator.p ? comparator.p : "EQUALS",
			(number > other) - (number < other));
	}
	snprintf(name, sizeof(name), "%.*s", STR_ARG(key));
	struct str text = json_is_string(value)
				  ? str_from(json_string_value(value))
				  : glue_text(json_object_get(table, "Parameters"), name);
	return comparator.p ? text.p && compares(comparator.p, strcmp(text.p, wanted.p))
			    : finds(text, wanted);
}

static bool is_wanted(const struct api_call *call, const json_t *table)
{
	struct str text = glue_text(call->input, "SearchText");
	size_t i;
	json_t *filter;

	if (text.n && !has_text(table, text))
		return false;
	json_array_foreach(json_object_get(call->input, "Filters"), i, filter)
	{
		if (!holds(table, filter))
			return false;
	}
	return true;
}

/* ---- all tables ---- */

static int add_tables(
	struct api_call *call, struct str database, json_t *found, struct aws_error *error)
{
	_cleanup_buf_ struct buf after = {0};
	size_t count;

	do {
		json_t *list;
		json_t *table;
		size_t i;
		if (store_catalog_list_tables(glue_of(call)->catalog, database, buf_str(&after),
			    GLUE_PAGE_MAX, &list, error, &call->exchange->err) < 0)
			return -1;
		count = json_array_size(list);
		json_array_foreach(list, i, table)
		{
			if (is_wanted(call, table))
				json_array_append(found, table);
			after.n = 0;
			buf_add_str(&after, glue_text(table, "Name"));
		}
		json_decref(list);
	} while (count == GLUE_PAGE_MAX);
	return 0;
}

static int add_all(struct api_call *call, json_t *found, struct aws_error *error)
{
	_cleanup_buf_ struct buf after = {0};
	int result = 0;
	size_t count;

	do {
		json_t *list;
		json_t *database;
		size_t i;
		if (store_catalog_list_databases(glue_of(call)->catalog, buf_str(&after),
			    GLUE_PAGE_MAX, &list, error, &call->exchange->err) < 0)
			return -1;
		count = json_array_size(list);
		json_array_foreach(list, i, database)
		{
			if (result == 0)
				result =
					add_tables(call, glue_text(database, "Name"), found, error);
			after.n = 0;
			buf_add_str(&after, glue_text(database, "Name"));
		}
		json_decref(list);
	} while (result == 0 && count == GLUE_PAGE_MAX);
	return result;
}

/* ---- order ---- */

struct order {
	const char *member;
	bool is_descending;
};

static int compare(const void *a, const void *b, void *context)
{
	const struct order *order = context;
	const json_t *x = json_object_get(*(json_t *const *)a, order->member);
	const json_t *y = json_object_get(*(json_t *const *)b, order->member);
	const char *p = json_string_value(x);
	const char *q = json_string_value(y);
	int result = json_is_integer(x) && json_is_integer(y)
			     ? (json_integer_value(x) > json_integer_value(y)) -
				       (json_integer_value(x) < json_integer_value(y))
			     : strcmp(p ? p : "", q ? q : "");

	return order->is_descending ? -result : result;
}

/* The tables in order, a list. */
static json_t *sort(const struct api_call *call, json_t *found)
{
	const json_t *criterion = json_array_get(json_object_get(call->input, "SortCriteria"), 0);
	struct str member = glue_text(criterion, "FieldName");
	struct str direction = glue_text(criterion, "Sort");
	struct order order = {member.n ? member.p : "Name", str_equal(direction, STR("DESC"))};
	size_t count = json_array_size(found);
	_cleanup_free_ json_t **tables = mem_new(count + 1, sizeof(tables[0]));
	json_t *sorted = json_array();

	for (size_t i = 0; i < count; i++)
		tables[i] = json_array_get(found, i);
	if (criterion)
		qsort_r((void *)tables, count, sizeof(tables[0]), compare, &order);
	for (size_t i = 0; i < count; i++)
		json_array_append(sorted, tables[i]);
	return sorted;
}

GLUE_HANDLER(glue_search_tables)
{
	_cleanup_buf_ struct buf after = {0};
	size_t limit = glue_limit(call, 100);
	json_t *page = json_array();
	json_t *found = json_array();
	char text[24];

	json_object_set_new(call->output, "TableList", page);
	int result = glue_check_catalog(call, error);
	if (result == 0)
		result = glue_page(call, &after, error);
	if (result == 0)
		result = add_all(call, found, error);
	json_t *sorted = sort(call, found);
	json_decref(found);
	size_t begin = after.n ? (size_t)strtoull(buf_text(&after), NULL, 10) : 0;
	for (size_t i = begin; i < begin + limit && i < json_array_size(sorted); i++)
		json_array_append(page, json_array_get(sorted, i));
	if (result == 0 && begin + limit < json_array_size(sorted)) {
		snprintf(text, sizeof(text), "%zu", begin + limit);
		glue_next(call, str_from(text));
	}
	json_decref(sorted);
	return result;
}
