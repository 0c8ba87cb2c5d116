/* Projected partitions when there are too many to ask for each: the folders that are there are
 * walked along the template instead, and those taken whose names are values of the keys. What costs
 * is the folders, however many partitions the properties make. */
#include "query/athena_priv.h"

#include "base/mem.h"

/* A part of the template between slashes. A value with slashes is as many segments. */
struct segment {
	struct str before, after; /* literal; without a key before is all */
	size_t key;               /* NO_KEY: none */
	bool continues;           /* a further part of the key's value */
};

#define NO_KEY SIZE_MAX

struct discovery {
	struct athena_engine *engine;
	const struct athena_query *query;
	const json_t *keys, *lists;
	json_t **known; /* of a key: its values, and what they begin with up to a slash */
	struct buf *found;
	size_t *slashes;
	struct segment *segments;
	size_t count;
	json_t *partitions;
	struct athena_failure *failure;
};

static size_t count_slashes(struct str text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.n; i++)
		count += text.p[i] == '/';
	return count;
}

/* False: the values are not alike. */
static bool learn(struct discovery *discovery, size_t key)
{
	const json_t *values = json_array_get(discovery->lists, key);
	json_t *known = discovery->known[key] = json_object();

	for (size_t i = 0; i < json_array_size(values); i++) {
		struct str value = athena_json_str(json_array_get(values, i));
		size_t slashes = count_slashes(value);
		if (i > 0 && slashes != discovery->slashes[key])
			return false;
		discovery->slashes[key] = slashes;
		for (size_t n = 1; n <= value.n; n++) {
			if (n == value.n || value.p[n] == '/')
				json_object_setn_new(known, value.p, n, json_true());
		}
	}
	return true;
}

static size_t find_key(const struct discovery *discovery, struct str name)
{
	for (size_t k = 0; k < json_array_size(discovery->keys); k++) {
		if (str_equal_ignoring_case(name,
			    athena_json_str(
				    json_object_get(json_array_get(discovery->keys, k), "Name"))))
			return k;
	}
	return NO_KEY;
}

static struct segment *add_segment(struct discovery *discovery)
{
	discovery->segments =
		mem_grow(discovery->segments, discovery->count + 1, sizeof(*discovery->segments));
	discovery->segments[discovery->count] =
		(struct segment){.before = STR(""), .after = STR(""), .key = NO_KEY};
	return &discovery->segments[discovery->count++];
}

/* False: more than one key between two slashes, or one that is none. */
static bool read_segment(struct discovery *discovery, struct str text)
{
	const char *open = memmem(text.p, text.n, "${", 2);
	struct segment *segment = add_segment(discovery);

	if (!open) {
		segment->before = text;
		return true;
	}
	const char *end = text.p + text.n;
	const char *close = memchr(open, '}', (size_t)(end - open));
	if (!close || memmem(close, (size_t)(end - close), "${", 2))
		return false;
	size_t key = find_key(discovery, (struct str){open + 2, (size_t)(close - open - 2)});
	for (size_t i = 0; i + 1 < discovery->count; i++) {
		if (key == NO_KEY || discovery->segments[i].key == key)
			return false;
	}
	segment->before = (struct str){text.p, (size_t)(open - text.p)};
	segment->key = key;
	for (size_t i = 0; key != NO_KEY && i < discovery->slashes[key]; i++) {
		segment = add_segment(discovery);
		segment->key = key;
		segment->continues = true;
	}
	segment->after = (struct str){close + 1, (size_t)(end - close - 1)};
	return key != NO_KEY;
}

static bool read_template(struct discovery *discovery, struct str pattern)
{
	size_t keys = 0;
	struct str part;

	while (pattern.n && pattern.p[pattern.n - 1] == '/')
		pattern.n--;
	while (str_split(&pattern, '/', &part)) {
		if (!read_segment(discovery, part))
			return false;
	}
	for (size_t i = 0; i < discovery->count; i++)
		keys += discovery->segments[i].key != NO_KEY && !discovery->segments[i].continues;
	return keys == json_array_size(discovery->keys);
}

/* ---- the walk ---- */

static int add_name(void *adding, struct str name)
{
	json_array_append_new(adding, json_stringn_nocheck(name.p, name.n));
	return 0;
}

static int add_partition(struct discovery *discovery, struct str place)
{
	json_t *values = json_array();

	for (size_t k = 0; k < json_array_size(discovery->keys); k++)
		json_array_append_new(values, json_stringn_nocheck(buf_text(&discovery->found[k]),
						      discovery->found[k].n));
	json_array_append_new(
		discovery->partitions, json_pack("{s:o, s:{s:s%}}", "Values", values,
					       "StorageDescriptor", "Location", place.p, place.n));
	return json_array_size(discovery->partitions) <= ATHENA_PARTITIONS_MAX
		       ? 0
		       : athena_fail(discovery->failure, "GENERIC_USER_ERROR",
				 "The table has more than %d partitions for this query",
				 ATHENA_PARTITIONS_MAX);
}

static int walk(struct discovery *discovery, struct str place, size_t level);

/* The folder may be a value of the segment's key, or the next part of one. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static int enter(struct discovery *discovery, struct str place, size_t level, struct str name)
{
	const struct segment *segment = &discovery->segments[level];
	struct buf *found = &discovery->found[segment->key];
	size_t around = segment->before.n + segment->after.n, before = found->n;
	_cleanup_buf_ struct buf below = {0};
	int r = 0;

	if (name.n <= around || !str_starts_with(name, segment->before) ||
		!str_ends_with(name, segment->after))
		return 0;
	if (segment->continues)
		buf_add_char(found, '/');
	buf_add(found, name.p + segment->before.n, name.n - around);
	if (json_object_getn(discovery->known[segment->key], found->p, found->n)) {
		buf_printf(&below, "%.*s%.*s/", STR_ARG(place), STR_ARG(name));
		r = walk(discovery, buf_str(&below), level + 1);
	}
	found->n = before;
	return r;
}

/* As deep as the template. NOLINTNEXTLINE(misc-no-recursion) */
static int walk(struct discovery *discovery, struct str place, size_t level)
{
	const struct athena_source *source = &discovery->query->source;
	_cleanup_buf_ struct buf below = {0};

	if (discovery->engine->interrupted)
		return athena_fail(discovery->failure, "", "Query cancelled by user");
	if (level == discovery->count)
		return add_partition(discovery, place);
	const struct segment *segment = &discovery->segments[level];
	if (segment->key == NO_KEY) {
		buf_printf(&below, "%.*s%.*s/", STR_ARG(place), STR_ARG(segment->before));
		return walk(discovery, buf_str(&below), level + 1);
	}
	json_t *names = json_array();
	int r = source->folders(source->context, place, add_name, names, discovery->failure);
	for (size_t i = 0; r == 0 && i < json_array_size(names); i++)
		r = enter(discovery, place, level, athena_json_str(json_array_get(names, i)));
	json_decref(names);
	return r;
}

/* LOCATION/KEY=VALUE/... */
static void add_default_template(struct buf *pattern, const json_t *table, const json_t *keys)
{
	struct str location = athena_json_str(
		json_object_get(json_object_get(table, "StorageDescriptor"), "Location"));

	buf_add_str(pattern, location);
	buf_add_text(pattern, str_ends_with(location, STR("/")) ? "" : "/");
	for (size_t k = 0; k < json_array_size(keys); k++) {
		struct str name = athena_json_str(json_object_get(json_array_get(keys, k), "Name"));
		buf_printf(pattern, "%.*s=${%.*s}/", STR_ARG(name), STR_ARG(name));
	}
}

int athena_discover(struct athena_engine *engine, const struct athena_query *query,
	const json_t *table, const json_t *lists, json_t *partitions,
	struct athena_failure *failure)
{
	const json_t *keys = json_object_get(table, "PartitionKeys");
	size_t count = json_array_size(keys);
	struct discovery discovery = {.engine = engine,
		.query = query,
		.keys = keys,
		.lists = lists,
		.known = mem_new(count + 1, sizeof(json_t *)),
		.found = mem_new(count + 1, sizeof(struct buf)),
		.slashes = mem_new(count + 1, sizeof(size_t)),
		.partitions = partitions,
		.failure = failure};
	struct str given = athena_property(table, "storage.location.template"),
		   scheme = STR("s3://");
	_cleanup_buf_ struct buf pattern = {0};
	bool understood = query->source.folders != NULL;

	if (given.p)
		buf_add_str(&pattern, given);
	else
		add_default_template(&pattern, table, keys);
	struct str text = buf_str(&pattern);
	for (size_t k = 0; k < count; k++)
		understood = understood && learn(&discovery, k);
	understood = understood && str_starts_with(text, scheme) &&
		     read_template(&discovery, (struct str){text.p + scheme.n, text.n - scheme.n});
	int r = understood ? walk(&discovery, scheme, 0) : ATHENA_NOT_UNDERSTOOD;
	for (size_t k = 0; k < count; k++) {
		json_decref(discovery.known[k]);
		buf_done(&discovery.found[k]);
	}
	free(discovery.known);
	free(discovery.found);
	free(discovery.slashes);
	free(discovery.segments);
	return r;
}
