/* Lists: ids, filters, pages (EC2 API reference, "Filter"; user guide, "Find your Amazon EC2
 * resources"). A page goes on behind the id that was the last one of the page before, so that what
 * comes and goes in between neither hides nor repeats others. */
#include "api/ec2/ec2_priv.h"

#include "aws/digest.h"
#include "aws/time.h"

#include <stdio.h>

enum {
	PAGE_MAX_DEFAULT = 1000,
	FILTERS_MAX = 50,
	VALUES_MAX = 200,
	VALUE_MAX = 255,
};

/* ---- wildcards ---- */

/* One step of the pattern against one character; moves *pattern. */
static bool matches_one(const char **pattern, char c)
{
	const char *p = *pattern;

	if (*p == '\\' && p[1])
		p++;
	else if (*p == '?') {
		*pattern = p + 1;
		return true;
	}
	*pattern = p + 1;
	return *p == c;
}

/* On a mismatch the last '*' takes one character more: linear but for repeated ones. */
bool ec2_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
			continue;
		}
		if (*pattern && matches_one(&pattern, *text)) {
			text++;
			continue;
		}
		if (!star)
			return false;
		pattern = star;
		text = ++from;
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool matches_any(const json_t *patterns, const char *text)
{
	for (size_t i = 0; i < json_array_size(patterns); i++) {
		const char *pattern = json_string_value(json_array_get(patterns, i));
		if (pattern && ec2_matches(pattern, text))
			return true;
	}
	return false;
}

/* ---- what a filter looks at ---- */

static bool value_matches(const json_t *value, bool is_time, const json_t *patterns)
{
	char text[64];

	if (json_is_string(value))
		return matches_any(patterns, json_string_value(value));
	if (json_is_boolean(value))
		return matches_any(patterns, json_is_true(value) ? "true" : "false");
	if (!json_is_integer(value))
		return false;
	if (is_time)
		*aws_time_write_millis(text, json_integer_value(value)) = '\0';
	else
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	return matches_any(patterns, text);
}

/* As deep as the path, which is ours. NOLINTBEGIN(misc-no-recursion) */
static bool path_matches(const json_t *from, const char *path, bool is_time, const json_t *patterns)
{
	char name[64];

	if (json_is_array(from)) {
		for (size_t i = 0; i < json_array_size(from); i++)
			if (path_matches(json_array_get(from, i), path, is_time, patterns))
				return true;
		return false;
	}
	if (!*path)
		return value_matches(from, is_time, patterns);
	size_t n = strcspn(path, ".");
	snprintf(name, sizeof(name), "%.*s", (int)n, path);
	return path_matches(
		json_object_get(from, name), path + n + (path[n] == '.'), is_time, patterns);
}
/* NOLINTEND(misc-no-recursion) */

/* key NULL: any; patterns of values NULL: any. */
static bool tag_matches(
	const json_t *tag, const char *key, const json_t *keys, const json_t *values)
{
	const char *own = ec2_member(tag, "Key"), *value = ec2_member(tag, "Value");

	if (!own || (key && strcmp(own, key) != 0) || (keys && !matches_any(keys, own)))
		return false;
	return !values || matches_any(values, value ? value : "");
}

/* An item of DescribeTags is a tag itself. */
static bool tags_match(
	const json_t *item, const char *key, const json_t *keys, const json_t *values)
{
	const json_t *tags = json_object_get(item, "Tags");

	if (!tags)
		tags = json_object_get(item, "TagSet");
	if (!tags)
		return tag_matches(item, key, keys, values);
	for (size_t i = 0; i < json_array_size(tags); i++)
		if (tag_matches(json_array_get(tags, i), key, keys, values))
			return true;
	return false;
}

static const struct ec2_filter *find_row(const struct ec2_listing *listing, const char *name)
{
	for (const struct ec2_filter *row = listing->rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static bool passes(const struct ec2_listing *listing, const json_t *filter, const json_t *item)
{
	const char *name = ec2_member(filter, "Name");
	const json_t *values = json_object_get(filter, "Values");

	if (strncmp(name, "tag:", 4) == 0)
		return tags_match(item, name + 4, NULL, values);
	const struct ec2_filter *row = find_row(listing, name);
	if (!row)
		return tags_match(item, NULL, values, NULL); /* tag-key */
	bool is_time = row->path[0] == '@';
	return path_matches(item, row->path + is_time, is_time, values);
}

/* ---- filters ---- */

static int check_values(struct ec2 *ec2, const char *name, const json_t *values, size_t *count)
{
	if (!json_array_size(values))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The filter '%.200s' has no value", name);
	*count += json_array_size(values);
	for (size_t i = 0; i < json_array_size(values); i++)
		if (json_string_length(json_array_get(values, i)) > VALUE_MAX)
			return aws_error_default(ec2->error, AWS_ERROR_FILTER_LIMIT_EXCEEDED);
	return 0;
}

static int check_filter(
	struct ec2 *ec2, const struct ec2_listing *listing, const json_t *filter, size_t *count)
{
	const char *name = ec2_member(filter, "Name");

	if (!name)
		return ec2_refuse(
			ec2, AWS_ERROR_INVALID_PARAMETER_VALUE, "The filter 'null' is invalid");
	if (strncmp(name, "tag:", 4) != 0 && strcmp(name, "tag-key") != 0 &&
		!find_row(listing, name))
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"The filter '%.200s' is invalid", name);
	return check_values(ec2, name, json_object_get(filter, "Values"), count);
}

static int check_filters(struct ec2 *ec2, const struct ec2_listing *listing, const json_t *filters)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(filters); i++)
		if (check_filter(ec2, listing, json_array_get(filters, i), &count) < 0)
			return -1;
	if (json_array_size(filters) > FILTERS_MAX || count > VALUES_MAX)
		return aws_error_default(ec2->error, AWS_ERROR_FILTER_LIMIT_EXCEEDED);
	return 0;
}

static bool passes_all(const struct ec2_listing *listing, const json_t *filters, const json_t *item)
{
	for (size_t i = 0; i < json_array_size(filters); i++)
		if (!passes(listing, json_array_get(filters, i), item))
			return false;
	return true;
}

json_t *ec2_filter(struct ec2 *ec2, const struct ec2_listing *listing, json_t *items)
{
	const json_t *filters = ec2_input(ec2, listing->filters);

	if (items && check_filters(ec2, listing, filters) < 0) {
		json_decref(items);
		return NULL;
	}
	if (!items || !json_array_size(filters))
		return items;
	json_t *left = json_array();
	for (size_t i = 0; i < json_array_size(items); i++)
		if (passes_all(listing, filters, json_array_get(items, i)))
			json_array_append(left, json_array_get(items, i));
	json_decref(items);
	return left;
}

/* ---- pages ---- */

struct entry {
	const char *first, *second;
	json_t *item;
};

static int compare(const struct entry *a, const struct entry *b)
{
	int order = strcmp(a->first, b->first);

	return order ? order : strcmp(a->second, b->second);
}

static int by_key(const void *a, const void *b)
{
	return compare(a, b);
}

/* Borrows from the items. */
static struct entry *sort(const json_t *items, const char *key, const char *second)
{
	size_t count = json_array_size(items);
	struct entry *entries = mem_new(count + 1, sizeof(*entries));

	for (size_t i = 0; i < count; i++) {
		json_t *item = json_array_get(items, i);
		const char *first = ec2_member(item, key),
			   *more = second ? ec2_member(item, second) : NULL;
		entries[i] = (struct entry){first ? first : "", more ? more : "", item};
	}
	qsort(entries, count, sizeof(*entries), by_key);
	return entries;
}

json_t *ec2_sorted(json_t *items, const char *key)
{
	_cleanup_free_ struct entry *entries = sort(items, key, NULL);
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(items); i++)
		json_array_append(list, entries[i].item);
	json_decref(items);
	return list;
}

bool ec2_filter_allows(
	const struct ec2 *ec2, const char *filters, const char *name, const char *text)
{
	const json_t *all = ec2_input(ec2, filters);

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *filter = json_array_get(all, i);
		const char *of = ec2_member(filter, "Name");
		if (of && strcmp(of, name) == 0 &&
			!matches_any(json_object_get(filter, "Values"), text))
			return false;
	}
	return true;
}

static int read_max(struct ec2 *ec2, const struct ec2_listing *listing, size_t *ret_max)
{
	const json_t *given = ec2_input(ec2, "MaxResults");
	json_int_t max = given ? json_integer_value(given) : PAGE_MAX_DEFAULT;

	if (max < listing->page_min)
		return ec2_refuse(ec2, AWS_ERROR_INVALID_PARAMETER_VALUE,
			"Value ( %lld ) for parameter maxResults is invalid. Expecting a value greater than or equal to %d.",
			(long long)max, listing->page_min);
	*ret_max = max > PAGE_MAX_DEFAULT ? PAGE_MAX_DEFAULT : (size_t)max;
	return 0;
}

/* A token is the base64 of the last entry's two keys, each ended by NUL. *ret_after borrows from
 * text; *ret_has: there is one. */
static int read_token(struct ec2 *ec2, struct buf *text, struct entry *ret_after, bool *ret_has)
{
	const char *token = ec2_text(ec2, "NextToken"), *second;

	*ret_has = token && *token;
	if (!*ret_has)
		return 0;
	if (!aws_base64_decode(str_from(token), text) || !text->n || text->p[text->n - 1] != '\0')
		return aws_error_default(ec2->error, AWS_ERROR_INVALID_NEXT_TOKEN);
	second = text->p + strlen(text->p) + 1;
	if (second >= text->p + text->n)
		return aws_error_default(ec2->error, AWS_ERROR_INVALID_NEXT_TOKEN);
	*ret_after = (struct entry){.first = text->p, .second = second};
	return 0;
}

static void write_token(struct ec2 *ec2, const struct entry *last)
{
	_cleanup_buf_ struct buf text = {0};
	_cleanup_buf_ struct buf token = {0};

	buf_add(&text, last->first, strlen(last->first) + 1);
	buf_add(&text, last->second, strlen(last->second) + 1);
	aws_base64_add(&token, text.p, text.n);
	ec2_set_text(ec2->output, "NextToken", buf_text(&token));
}

json_t *ec2_page(struct ec2 *ec2, const struct ec2_listing *listing, const char *key,
	const char *second, json_t *items)
{
	_cleanup_buf_ struct buf text = {0};
	struct entry after = {"", "", NULL};
	size_t max = 0, i = 0, count = json_array_size(items);
	bool has_token = false;

	if (!items || read_max(ec2, listing, &max) < 0 ||
		read_token(ec2, &text, &after, &has_token) < 0) {
		json_decref(items);
		return NULL;
	}
	_cleanup_free_ struct entry *entries = sort(items, key, second);
	json_t *page = json_array();
	while (i < count && has_token && compare(&entries[i], &after) <= 0)
		i++;
	for (; i < count && json_array_size(page) < max; i++)
		json_array_append(page, entries[i].item);
	if (i < count)
		write_token(ec2, &entries[i - 1]);
	json_decref(items);
	return page;
}

/* ---- the whole ---- */

/* Those that are named, once each, by id; one that is not there is an error. */
static json_t *choose(struct ec2 *ec2, const struct ec2_listing *listing, const json_t *ids)
{
	const char *key = ec2_type_row(listing->type)->id;
	json_t *chosen = json_object(), *list = json_array(), *told;
	const char *id;

	for (size_t i = 0; i < json_array_size(ids); i++) {
		const json_t *found = NULL;
		id = json_string_value(json_array_get(ids, i));
		int result = ec2_find(ec2, listing->type, id, &found);
		if (result == 0 && !found)
			result = ec2_refuse_id(ec2, listing->type, id);
		if (result < 0) {
			json_decref(chosen);
			json_decref(list);
			return NULL;
		}
		json_object_set(chosen, id, (json_t *)found);
	}
	json_object_foreach(chosen, id, told) json_array_append(list, told);
	json_decref(chosen);
	return ec2_sorted(list, key);
}

/* What need not be made to see that it does not pass. */
static bool may_pass(const struct ec2_listing *listing, const json_t *filters, const json_t *told)
{
	for (size_t i = 0; i < json_array_size(filters); i++) {
		const json_t *filter = json_array_get(filters, i);
		const struct ec2_filter *row = find_row(listing, ec2_member(filter, "Name"));
		if (row && row->told &&
			!path_matches(told, row->told, false, json_object_get(filter, "Values")))
			return false;
	}
	return true;
}

static json_t *make_if_it_passes(struct ec2 *ec2, const struct ec2_listing *listing,
	const json_t *filters, const json_t *told)
{
	if (!may_pass(listing, filters, told))
		return NULL;
	json_t *item = ec2_type_row(listing->type)->make(ec2, told);
	if (passes_all(listing, filters, item))
		return item;
	json_decref(item);
	return NULL;
}

/* From the source on, behind the token, until there is one more than a page. */
static json_t *collect(struct ec2 *ec2, const struct ec2_listing *listing, const json_t *source,
	size_t max, const struct entry *after)
{
	const json_t *filters = ec2_input(ec2, listing->filters);
	const char *key = ec2_type_row(listing->type)->id;
	struct entry last = {"", "", NULL};
	json_t *page = json_array();

	for (size_t i = 0; i < json_array_size(source); i++) {
		const json_t *told = json_array_get(source, i);
		const char *id = ec2_member(told, key);
		if (after && strcmp(id, after->first) <= 0)
			continue;
		json_t *item = make_if_it_passes(ec2, listing, filters, told);
		if (item && json_array_size(page) == max) {
			json_decref(item);
			write_token(ec2, &last);
			break;
		}
		if (item) {
			json_array_append_new(page, item);
			last.first = id;
		}
	}
	return page;
}

int ec2_list(struct ec2 *ec2, const struct ec2_listing *listing)
{
	const json_t *ids = ec2_input(ec2, listing->ids),
		     *all = ec2_type_row(listing->type)->source(ec2);
	_cleanup_buf_ struct buf text = {0};
	struct entry after = {"", "", NULL};
	bool has_token = false;
	size_t max = 0;

	if (!all || check_filters(ec2, listing, ec2_input(ec2, listing->filters)) < 0 ||
		read_max(ec2, listing, &max) < 0 || read_token(ec2, &text, &after, &has_token) < 0)
		return -1;
	json_t *source =
		json_array_size(ids) ? choose(ec2, listing, ids) : json_incref((json_t *)all);
	if (!source)
		return -1;
	ec2_set(ec2->output, listing->output,
		collect(ec2, listing, source, max, has_token ? &after : NULL));
	json_decref(source);
	return 0;
}
