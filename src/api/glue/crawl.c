/* One crawl. The objects below a target are put into folders; one object of each folder tells what
 * is in it; folders that are alike, equally deep below a common root, are the partitions of one
 * table, others are tables by themselves, further down (AWS Glue developer guide, "How crawlers
 * work"). */
#include "api/glue/crawlers_priv.h"

#include "aws/digest.h"
#include "base/clock.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <unistd.h>

#define FOLDERS_MAX 100000
#define LEVELS_MAX  STORE_PARTITION_KEYS_MAX

struct folder {
	char *path; /* below the bucket, with its slash, or "" */
	char *key;  /* of an object in it */
	int64_t objects, bytes;
	struct glue_class class;
};

struct target {
	struct glue_crawl *crawl;
	struct str bucket;
	char *prefix;
	const json_t *exclusions;
	struct folder *folders; /* in order of paths */
	size_t count;
};

static int fail(struct glue_crawl *crawl, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int fail(struct glue_crawl *crawl, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(crawl->message, sizeof(crawl->message), format, arguments);
	va_end(arguments);
	return -1;
}

static int fail_with(struct glue_crawl *crawl, const struct aws_error *error, const struct err *err)
{
	return fail(crawl, "%s%s%s", error->message, err->message[0] ? ": " : "", err->message);
}

/* ---- targets ---- */

bool glue_parse_target(struct str path, struct str *ret_bucket, char **ret_prefix)
{
	struct str scheme = STR("s3://");

	if (!str_starts_with(path, scheme))
		return false;
	struct str prefix = {path.p + scheme.n, path.n - scheme.n};
	if (!str_split(&prefix, '/', ret_bucket) || !ret_bucket->n)
		return false;
	bool is_open = prefix.n && prefix.p[prefix.n - 1] != '/';
	*ret_prefix =
		mem_printf("%.*s%s", STR_ARG(prefix.p ? prefix : STR("")), is_open ? "/" : "");
	return true;
}

/* Without "**" a star stops at a slash; a pattern that ends with a slash is all below it. */
bool glue_is_excluded(struct str pattern, struct str key)
{
	_cleanup_free_ char *text = mem_printf("%.*s%s", STR_ARG(pattern),
		pattern.n && pattern.p[pattern.n - 1] == '/' ? "**" : "");
	_cleanup_free_ char *name = mem_printf("%.*s", STR_ARG(key));

	return fnmatch(text, name, strstr(text, "**") ? 0 : FNM_PATHNAME) == 0;
}

static bool is_skipped(const struct target *target, const struct store_object *object)
{
	struct str key = object->key;
	const char *slash = memrchr(key.p, '/', key.n);
	char first = slash ? slash[1] : key.p[0];
	size_t i;
	json_t *pattern;

	/* Folders' own objects, and what Hive hides. */
	if (!object->size || key.p[key.n - 1] == '/' || first == '_' || first == '.')
		return true;
	size_t begin = strlen(target->prefix);
	json_array_foreach(target->exclusions, i, pattern)
	{
		if (glue_is_excluded(str_from(json_string_value(pattern)),
			    (struct str){key.p + begin, key.n - begin}))
			return true;
	}
	return false;
}

/* Keys come in order, so those of a folder come together but for the folders in it. */
static int add_object(struct target *target, json_t *places, const struct store_object *object)
{
	const char *slash = memrchr(object->key.p, '/', object->key.n);
	size_t n = slash ? (size_t)(slash + 1 - object->key.p) : 0;
	_cleanup_free_ char *path = mem_printf("%.*s", (int)n, object->key.p);
	const json_t *place = json_object_get(places, path);

	if (!place) {
		if (target->count == FOLDERS_MAX)
			return fail(target->crawl, "More than %d folders are below s3://%.*s/%s.",
				FOLDERS_MAX, STR_ARG(target->bucket), target->prefix);
		target->folders =
			mem_grow(target->folders, target->count + 1, sizeof(target->folders[0]));
		target->folders[target->count] = (struct folder){
			.path = mem_strdup(path), .key = mem_printf("%.*s", STR_ARG(object->key))};
		if (json_object_set_new(places, path, json_integer((json_int_t)target->count)) < 0)
			return fail(target->crawl, "A folder's name is not UTF-8.");
		target->count++;
		place = json_object_get(places, path);
	}
	struct folder *folder = &target->folders[json_integer_value(place)];
	folder->objects++;
	folder->bytes += object->size;
	return 0;
}

static int list_folders(struct target *target, json_t *places)
{
	_cleanup_buf_ struct buf after = {0};
	bool has_more = true;
	int result = 0;

	while (has_more && result == 0 && !*target->crawl->is_stopped) {
		const struct store_list_options options = {.bucket = target->bucket,
			.prefix = str_from(target->prefix),
			.after = buf_str(&after),
			.max = STORE_LIST_MAX};
		struct aws_error error = {0};
		struct err err = ERR_INIT;
		struct store_list list;
		if (store_list(target->crawl->glue->objects, &options, &list, &error, &err) < 0)
			return fail_with(target->crawl, &error, &err);
		for (size_t i = 0; i < list.count && result == 0; i++)
			if (!is_skipped(target, &list.objects[i]))
				result = add_object(target, places, &list.objects[i]);
		has_more = list.is_truncated;
		after.n = 0;
		buf_add_str(&after, list.next_key);
		store_list_done(&list);
	}
	return result;
}

static int compare_folders(const void *a, const void *b)
{
	return strcmp(((const struct folder *)a)->path, ((const struct folder *)b)->path);
}

static int classify(const struct target *target, struct folder *folder)
{
	struct store_object object = {0};
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	_cleanup_close_ int fd = -1;

	int result = store_object_get(target->crawl->glue->objects, target->bucket,
		str_from(folder->key), STR(""), &object, &fd, &error, &err);
	if (result < 0 && error.code == AWS_ERROR_NO_SUCH_KEY)
		return 0; /* gone since */
	if (result == 0)
		result = glue_classify(fd, object.size, &folder->class, &err);
	store_object_done(&object);
	if (result < 0)
		return fail_with(target->crawl, &error, &err);
	return 0;
}

/* ---- what is alike ---- */

static size_t level_of(const char *path)
{
	size_t level = 0;

	for (; *path; path++)
		level += *path == '/';
	return level;
}

static const json_t *find_column(const json_t *list, const json_t *wanted)
{
	size_t i;
	json_t *column;

	json_array_foreach(list, i, column)
	{
		if (str_equal(glue_text(column, "Name"), glue_text(wanted, "Name")))
			return column;
	}
	return NULL;
}

/* Seven in ten columns of the smaller one are in the other. */
static bool is_alike(const struct glue_class *a, const struct glue_class *b)
{
	size_t x = json_array_size(a->columns), y = json_array_size(b->columns), common = 0;
	size_t i;
	json_t *column;

	if (a->format != b->format || a->is_gzip != b->is_gzip || a->delimiter != b->delimiter ||
		a->has_header != b->has_header)
		return false;
	/* Columns of a text are told by their places. */
	if (a->format == GLUE_FORMAT_TEXT && x != y)
		return false;
	json_array_foreach(a->columns, i, column)
	{
		common += find_column(b->columns, column) != NULL;
	}
	return common * 10 >= (x < y ? x : y) * 7;
}

/* Columns of all, in the order in which they are met. */
static json_t *merge_columns(const struct folder *folders, size_t count)
{
	json_t *merged = json_deep_copy(folders[0].class.columns);

	for (size_t f = 1; f < count; f++) {
		size_t i;
		json_t *column;
		json_array_foreach(folders[f].class.columns, i, column)
		{
			json_t *there = (json_t *)find_column(merged, column);
			if (!there)
				json_array_append_new(merged, json_deep_copy(column));
			else
				json_object_set_new(there, "Type",
					json_string(glue_wider_type(glue_text(there, "Type").p,
						glue_text(column, "Type").p)));
		}
	}
	return merged;
}

/* ---- a table ---- */

/* The folder's name at a level below the root: "year=2026/" gives year and 2026. */
static struct str part_of(const char *path, size_t root, size_t level)
{
	struct str rest = str_from(path + root), part = STR("");

	for (size_t i = 0; i <= level; i++)
		str_split(&rest, '/', &part);
	return part;
}

/* One key a level: its Hive name where all folders have it, or partition_N. */
static json_t *keys_of(const struct folder *folders, size_t count, size_t root, size_t levels)
{
	json_t *keys = json_array();

	for (size_t level = 0; level < levels; level++) {
		struct str common = STR_NONE;
		for (size_t f = 0; f < count; f++) {
			struct str rest = part_of(folders[f].path, root, level), name;
			str_split(&rest, '=', &name);
			if (!rest.p || !name.n || (common.p && !str_equal(common, name))) {
				common = STR_NONE;
				break;
			}
			common = name;
		}
		_cleanup_free_ char *name =
			common.p ? store_catalog_fold(common) : mem_printf("partition_%zu", level);
		json_array_append_new(
			keys, json_pack("{s:s, s:s}", "Name", name, "Type", "string"));
	}
	return keys;
}

static json_t *values_of(const struct folder *folder, size_t root, const json_t *keys)
{
	json_t *values = json_array();
	size_t level;
	json_t *key;

	json_array_foreach(keys, level, key)
	{
		struct str value = part_of(folder->path, root, level), name = {0}, rest = value;
		str_split(&rest, '=', &name);
		bool is_hive = rest.p && str_equal_ignoring_case(name, glue_text(key, "Name"));
		json_array_append_new(values, glue_json(is_hive ? rest : value));
	}
	return values;
}

static json_t *serde_of(const struct glue_class *class)
{
	char delimiter[2] = {class->delimiter, '\0'};

	if (class->format == GLUE_FORMAT_PARQUET)
		return json_pack("{s:s, s:{s:s}}", "SerializationLibrary",
			"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", "Parameters",
			"serialization.format", "1");
	return json_pack("{s:s, s:{s:s, s:s}}", "SerializationLibrary",
		"org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", "Parameters", "field.delim",
		delimiter, "serialization.format", delimiter);
}

static json_t *parameters_of(
	const struct glue_crawl *crawl, const struct glue_class *class, const struct folder *total)
{
	char delimiter[2] = {class->delimiter, '\0'};
	char objects[24], bytes[24];

	snprintf(objects, sizeof(objects), "%lld", (long long)total->objects);
	snprintf(bytes, sizeof(bytes), "%lld", (long long)total->bytes);
	json_t *parameters = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "EXTERNAL",
		"TRUE", "classification", class->format == GLUE_FORMAT_PARQUET ? "parquet" : "csv",
		"compressionType", class->is_gzip ? "gzip" : "none", "typeOfData", "file",
		"CrawlerSchemaSerializerVersion", "1.0", "CrawlerSchemaDeserializerVersion", "1.0",
		"objectCount", objects, "sizeKey", bytes);
	json_object_set(parameters, "UPDATED_BY_CRAWLER", json_object_get(crawl->crawler, "Name"));
	if (class->format == GLUE_FORMAT_TEXT) {
		json_object_set_new(parameters, "delimiter", json_string(delimiter));
		json_object_set_new(parameters, "columnsOrdered", json_string("true"));
		json_object_set_new(parameters, "areColumnsQuoted", json_string("false"));
		if (class->has_header)
			json_object_set_new(parameters, "skip.header.line.count", json_string("1"));
	}
	return parameters;
}

static json_t *storage_of(const struct target *target, const char *path,
	const struct glue_class *class, json_t *columns)
{
	bool is_parquet = class->format == GLUE_FORMAT_PARQUET;
	_cleanup_free_ char *location = mem_printf("s3://%.*s/%s", STR_ARG(target->bucket), path);

	return json_pack("{s:O, s:s, s:s, s:s, s:b, s:i, s:o}", "Columns", columns, "Location",
		location, "InputFormat",
		is_parquet ? "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
			   : "org.apache.hadoop.mapred.TextInputFormat",
		"OutputFormat",
		is_parquet ? "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
			   : "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
		"Compressed", class->is_gzip, "NumberOfBuckets", -1, "SerdeInfo", serde_of(class));
}

/* The last folder of the root, or the bucket; letters, digits and _ in lower case. */
static char *name_of(const struct target *target, const char *root)
{
	struct str prefix = glue_text(target->crawl->crawler, "TablePrefix");
	size_t end = strlen(root);
	struct str last = target->bucket;

	if (end) {
		const char *slash = memrchr(root, '/', end - 1);
		const char *begin = slash ? slash + 1 : root;
		last = (struct str){begin, (size_t)(root + end - 1 - begin)};
	}
	char *name = mem_printf("%.*s%.*s", STR_ARG(prefix.p ? prefix : STR("")),
		(int)(last.n < 128 ? last.n : 128), last.p);
	for (char *c = name; *c; c++)
		*c = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
	return name;
}

/* ---- the catalog ---- */

static struct str database_of(const struct glue_crawl *crawl)
{
	return glue_text(crawl->crawler, "DatabaseName");
}

static bool behaves(const struct glue_crawl *crawl, const char *member, const char *how)
{
	const json_t *policy = json_object_get(crawl->crawler, "SchemaChangePolicy");

	return str_equal(glue_text(policy, member), str_from(how));
}

/* The table that is there under the name with this location; its name is changed to one that is
 * free when the one that is there is elsewhere. */
static int find_table(
	struct glue_crawl *crawl, char **name, struct str location, json_t **ret_table)
{
	_cleanup_buf_ struct buf hash = {0};
	uint8_t digest[AWS_MD5_SIZE];

	for (int attempt = 0; attempt < 2; attempt++) {
		struct aws_error error = {0};
		struct err err = ERR_INIT;
		*ret_table = NULL;
		if (store_catalog_get_table(crawl->glue->catalog,
			    (struct store_table_name){database_of(crawl), str_from(*name)},
			    ret_table, &error, &err) < 0) {
			if (error.code == AWS_ERROR_ENTITY_NOT_FOUND_EXCEPTION)
				return 0;
			return fail_with(crawl, &error, &err);
		}
		const json_t *storage = json_object_get(*ret_table, "StorageDescriptor");
		if (str_equal(glue_text(storage, "Location"), location))
			return 0;
		json_decref(*ret_table);
		*ret_table = NULL;
		aws_md5(location, digest);
		for (size_t i = 0; i < sizeof(digest); i++)
			buf_printf(&hash, "%02x", digest[i]);
		char *other = mem_printf("%s_%s", *name, buf_text(&hash));
		free(*name);
		*name = other;
	}
	return fail(crawl, "There is no free name for the table of %.*s.", STR_ARG(location));
}

static bool has_changed(const json_t *there, const json_t *input)
{
	const json_t *before = json_object_get(there, "StorageDescriptor");
	const json_t *now = json_object_get(input, "StorageDescriptor");
	static const char *const members[] = {"Columns", "InputFormat", "SerdeInfo"};

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (!json_equal(
			    json_object_get(before, members[i]), json_object_get(now, members[i])))
			return true;
	return !json_equal(
		json_object_get(there, "PartitionKeys"), json_object_get(input, "PartitionKeys"));
}

static int write_table(struct glue_crawl *crawl, const json_t *there, json_t *input)
{
	const json_t *name = json_object_get(input, "Name");
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	int result = 0;

	if (!there) {
		result = store_catalog_create_table(crawl->glue->catalog, database_of(crawl), input,
			glue_text(crawl->crawler, "Role"), &error, &err);
		json_array_append(crawl->tables_added, (json_t *)name);
	} else if (has_changed(there, input) && !behaves(crawl, "UpdateBehavior", "LOG")) {
		result = store_catalog_update_table(crawl->glue->catalog, database_of(crawl), input,
			false, STR(""), &error, &err);
		json_array_append(crawl->tables_updated, (json_t *)name);
	}
	return result < 0 ? fail_with(crawl, &error, &err) : 0;
}

/* ---- partitions ---- */

/* By their values as text: the partition. */
static int list_partitions(struct glue_crawl *crawl, struct store_table_name name, json_t *there)
{
	_cleanup_buf_ struct buf after = {0};

	do {
		struct buf next = {0};
		const struct store_partition_query query = {
			.after = buf_str(&after), .limit = GLUE_PAGE_MAX};
		struct aws_error error = {0};
		struct err err = ERR_INIT;
		json_t *list;
		json_t *partition;
		size_t i;
		if (store_catalog_list_partitions(
			    crawl->glue->catalog, name, &query, &list, &next, &error, &err) < 0)
			return fail_with(crawl, &error, &err);
		json_array_foreach(list, i, partition)
		{
			_cleanup_free_ char *key =
				json_dumps(json_object_get(partition, "Values"), JSON_COMPACT);
			json_object_set(there, key, partition);
		}
		json_decref(list);
		buf_done(&after);
		after = next;
	} while (after.n);
	return 0;
}

/* Those that are left in there have no folder any more. */
static int drop_partitions(
	struct glue_crawl *crawl, struct store_table_name name, const json_t *there)
{
	bool is_deleted = behaves(crawl, "DeleteBehavior", "DELETE_FROM_DATABASE");
	_cleanup_free_ char *now = mem_printf("%lld", (long long)(clock_wall_ns() / 1000000));
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *lists = json_array();
	json_t *entries = json_array();
	const char *key;
	json_t *partition;

	json_object_foreach((json_t *)there, key, partition)
	{
		json_t *values = json_object_get(partition, "Values");
		json_t *parameters = json_object_get(partition, "Parameters");
		if (is_deleted) {
			json_array_append(lists, values);
		} else if (!json_object_get(parameters, "DEPRECATED_BY_CRAWLER")) {
			json_t *marked = parameters ? json_copy(parameters) : json_object();
			json_object_set_new(marked, "DEPRECATED_BY_CRAWLER", json_string(now));
			json_array_append_new(entries,
				json_pack("{s:O, s:{s:O, s:O?, s:o}}", "PartitionValueList", values,
					"PartitionInput", "Values", values, "StorageDescriptor",
					json_object_get(partition, "StorageDescriptor"),
					"Parameters", marked));
		}
	}
	int result = 0;
	if (json_array_size(lists))
		result = store_catalog_delete_partitions(
			crawl->glue->catalog, name, lists, NULL, &error, &err);
	else if (json_array_size(entries) && !behaves(crawl, "DeleteBehavior", "LOG"))
		result = store_catalog_update_partitions(
			crawl->glue->catalog, name, entries, NULL, &error, &err);
	crawl->partitions_deleted += json_array_size(lists);
	crawl->partitions_updated += json_array_size(entries);
	json_decref(lists);
	json_decref(entries);
	return result < 0 ? fail_with(crawl, &error, &err) : 0;
}

static int write_partitions(struct target *target, struct store_table_name name,
	const struct folder *folders, size_t count, size_t root, const json_t *input)
{
	struct glue_crawl *crawl = target->crawl;
	const json_t *keys = json_object_get(input, "PartitionKeys");
	json_t *columns = json_object_get(json_object_get(input, "StorageDescriptor"), "Columns");
	json_t *there = json_object();
	json_t *made = json_array();
	struct aws_error error = {0};
	struct err err = ERR_INIT;

	int result = list_partitions(crawl, name, there);
	for (size_t f = 0; f < count && result == 0; f++) {
		json_t *values = values_of(&folders[f], root, keys);
		_cleanup_free_ char *key = json_dumps(values, JSON_COMPACT);
		/* Found: not among those without a folder. */
		if (json_object_del(there, key) == 0) {
			json_decref(values);
			continue;
		}
		json_array_append_new(made,
			json_pack("{s:o, s:o, s:o}", "Values", values, "StorageDescriptor",
				storage_of(target, folders[f].path, &folders[f].class, columns),
				"Parameters",
				parameters_of(crawl, &folders[f].class, &folders[f])));
	}
	if (result == 0 && json_array_size(made) &&
		store_catalog_create_partitions(
			crawl->glue->catalog, name, made, NULL, &error, &err) < 0)
		result = fail_with(crawl, &error, &err);
	if (result == 0) {
		crawl->partitions_added += json_array_size(made);
		result = drop_partitions(crawl, name, there);
	}
	json_decref(made);
	json_decref(there);
	return result;
}

/* Folders that are alike, levels below root. */
static int make_table(struct target *target, const struct folder *folders, size_t count,
	size_t root, size_t levels, json_t *seen)
{
	struct glue_crawl *crawl = target->crawl;
	const struct glue_class *class = &folders[0].class;
	_cleanup_free_ char *path = mem_printf("%.*s", (int)root, folders[0].path);
	_cleanup_free_ char *location = mem_printf("s3://%.*s/%s", STR_ARG(target->bucket), path);
	_cleanup_free_ char *name = name_of(target, path);
	struct folder total = {0};
	json_t *there = NULL;

	for (size_t f = 0; f < count; f++) {
		total.objects += folders[f].objects;
		total.bytes += folders[f].bytes;
	}
	if (find_table(crawl, &name, str_from(location), &there) < 0)
		return -1;
	json_t *columns = merge_columns(folders, count);
	json_t *input = json_pack("{s:s, s:s, s:o, s:o, s:o}", "Name", name, "TableType",
		"EXTERNAL_TABLE", "StorageDescriptor", storage_of(target, path, class, columns),
		"PartitionKeys", keys_of(folders, count, root, levels), "Parameters",
		parameters_of(crawl, class, &total));
	json_decref(columns);
	json_object_set_new(seen, name, json_true());
	int result = write_table(crawl, there, input);
	if (result == 0 && levels)
		result = write_partitions(target,
			(struct store_table_name){database_of(crawl), str_from(name)}, folders,
			count, root, input);
	json_decref(there);
	json_decref(input);
	return result;
}

/* Are all folders alike and equally deep? *ret_levels: below root. */
static bool is_one_table(
	const struct folder *folders, size_t count, size_t root, size_t *ret_levels)
{
	*ret_levels = level_of(folders[0].path + root);
	for (size_t f = 0; f < count; f++)
		if (folders[f].class.format == GLUE_FORMAT_UNKNOWN ||
			level_of(folders[f].path + root) != *ret_levels ||
			!is_alike(&folders[0].class, &folders[f].class))
			return false;
	return *ret_levels <= LEVELS_MAX;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as a key has slashes, of its 1024 bytes */
static int make_tables(struct target *target, const struct folder *folders, size_t count,
	size_t root, json_t *seen)
{
	size_t levels, end;

	if (is_one_table(folders, count, root, &levels))
		return make_table(target, folders, count, root, levels, seen);
	for (size_t begin = 0; begin < count; begin = end) {
		const char *path = folders[begin].path;
		const char *slash = strchr(path + root, '/');
		/* The root's own objects, or all folders below the next name. */
		size_t n = slash ? (size_t)(slash + 1 - path) : root;
		end = begin + 1;
		while (n > root && end < count && strncmp(folders[end].path, path, n) == 0)
			end++;
		if (n == root && folders[begin].class.format == GLUE_FORMAT_UNKNOWN)
			continue;
		int result = n == root ? make_table(target, &folders[begin], 1, root, 0, seen)
				       : make_tables(target, &folders[begin], end - begin, n, seen);
		if (result < 0)
			return -1;
	}
	return 0;
}

/* What is nothing that is known counts for nothing. */
static void drop_unknown(struct target *target)
{
	size_t kept = 0;

	for (size_t f = 0; f < target->count; f++) {
		struct folder *folder = &target->folders[f];
		if (folder->class.format != GLUE_FORMAT_UNKNOWN) {
			target->folders[kept++] = *folder;
			continue;
		}
		glue_class_done(&folder->class);
		free(folder->path);
		free(folder->key);
	}
	target->count = kept;
}

static int crawl_target(struct glue_crawl *crawl, const json_t *description, json_t *seen)
{
	struct target target = {
		.crawl = crawl, .exclusions = json_object_get(description, "Exclusions")};
	struct str path = glue_text(description, "Path");
	json_t *places = json_object();

	int result = glue_parse_target(path, &target.bucket, &target.prefix)
			     ? list_folders(&target, places)
			     : fail(crawl, "%.*s is no path in S3.", STR_ARG(path));
	json_decref(places);
	if (target.count)
		qsort(target.folders, target.count, sizeof(target.folders[0]), compare_folders);
	for (size_t f = 0; f < target.count && result == 0 && !*crawl->is_stopped; f++)
		result = classify(&target, &target.folders[f]);
	if (result == 0 && !*crawl->is_stopped) {
		drop_unknown(&target);
		if (target.count)
			result = make_tables(
				&target, target.folders, target.count, strlen(target.prefix), seen);
	}
	for (size_t f = 0; f < target.count; f++) {
		glue_class_done(&target.folders[f].class);
		free(target.folders[f].path);
		free(target.folders[f].key);
	}
	free(target.folders);
	free(target.prefix);
	return result;
}

/* ---- tables that are gone ---- */

static int drop_table(struct glue_crawl *crawl, const json_t *table)
{
	struct store_table_name name = {database_of(crawl), glue_text(table, "Name")};
	json_t *parameters = json_object_get(table, "Parameters");
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	int result = 0;

	if (behaves(crawl, "DeleteBehavior", "DELETE_FROM_DATABASE")) {
		result = store_catalog_delete_table(crawl->glue->catalog, name, &error, &err);
		json_array_append(crawl->tables_deleted, json_object_get(table, "Name"));
	} else if (!behaves(crawl, "DeleteBehavior", "LOG") &&
		   !json_object_get(parameters, "DEPRECATED_BY_CRAWLER")) {
		char now[24];
		snprintf(now, sizeof(now), "%lld", (long long)(clock_wall_ns() / 1000000));
		json_object_set_new(parameters, "DEPRECATED_BY_CRAWLER", json_string(now));
		json_t *input = json_pack("{s:O, s:O?, s:O?, s:O?, s:O}", "Name",
			json_object_get(table, "Name"), "TableType",
			json_object_get(table, "TableType"), "StorageDescriptor",
			json_object_get(table, "StorageDescriptor"), "PartitionKeys",
			json_object_get(table, "PartitionKeys"), "Parameters", parameters);
		result = store_catalog_update_table(crawl->glue->catalog, database_of(crawl), input,
			false, STR(""), &error, &err);
		json_decref(input);
		json_array_append(crawl->tables_updated, json_object_get(table, "Name"));
	}
	return result < 0 ? fail_with(crawl, &error, &err) : 0;
}

static int drop_tables(struct glue_crawl *crawl, const json_t *seen)
{
	_cleanup_buf_ struct buf after = {0};
	size_t count = GLUE_PAGE_MAX;
	int result = 0;

	while (result == 0 && count == GLUE_PAGE_MAX) {
		struct aws_error error = {0};
		struct err err = ERR_INIT;
		json_t *list;
		json_t *table;
		size_t i;
		if (store_catalog_list_tables(crawl->glue->catalog, database_of(crawl),
			    buf_str(&after), GLUE_PAGE_MAX, &list, &error, &err) < 0)
			return fail_with(crawl, &error, &err);
		count = json_array_size(list);
		json_array_foreach(list, i, table)
		{
			struct str by = glue_text(
				json_object_get(table, "Parameters"), "UPDATED_BY_CRAWLER");
			struct str name = glue_text(table, "Name");
			if (result == 0 && by.p &&
				str_equal(by, glue_text(crawl->crawler, "Name")) &&
				!json_object_get(seen, name.p))
				result = drop_table(crawl, table);
			after.n = 0;
			buf_add_str(&after, name);
		}
		json_decref(list);
	}
	return result;
}

/* As AWS, a database that is not there is made. */
static int need_database(struct glue_crawl *crawl)
{
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *input = json_pack("{s:O}", "Name", json_object_get(crawl->crawler, "DatabaseName"));
	int result = store_catalog_create_database(crawl->glue->catalog, input, &error, &err);

	json_decref(input);
	if (result < 0 && error.code != AWS_ERROR_ALREADY_EXISTS_EXCEPTION)
		return fail_with(crawl, &error, &err);
	return 0;
}

int glue_crawl_run(struct glue_crawl *crawl)
{
	const json_t *targets = json_object_get(crawl->crawler, "Targets");
	json_t *seen = json_object();
	size_t i;
	json_t *target;

	int result = need_database(crawl);
	json_array_foreach(json_object_get(targets, "S3Targets"), i, target)
	{
		if (result == 0 && !*crawl->is_stopped)
			result = crawl_target(crawl, target, seen);
	}
	if (result == 0 && !*crawl->is_stopped)
		result = drop_tables(crawl, seen);
	json_decref(seen);
	return result;
}
