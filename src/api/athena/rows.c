/* CREATE TABLE AS, INSERT and UNLOAD. The engine makes files in a folder of the query's; each
 * becomes an object, whole, and then the catalog learns of them. What is about to be made is kept
 * beside the query first: a query that fails, or whose process dies, is taken back (athena_undo).
 */
#include "api/athena/athena_priv.h"

#include "base/file.h"

#include <ftw.h>
#include <stdio.h>
#include <time.h>

enum { FOLDER_FDS = 16 };

struct rows {
	const struct work *work;
	struct athena_query *query;
	struct athena_output output;
	json_t *partitions; /* Values: Location, of the table; of an UNLOAD too */
};

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *at)
{
	remove(path);
	return 0;
}

/* ---- taking back ---- */

void athena_undo(struct athena *athena, const json_t *kept)
{
	const json_t *written = json_object_get(kept, "Written"), *made;
	struct aws_error error;
	struct err err = ERR_INIT;
	json_t *table = NULL;

	for (size_t i = 0; i < json_array_size(written); i++) {
		const json_t *one = json_array_get(written, i);
		const struct store_condition none = {.if_match = STR("")};
		struct store_deleted deleted;
		struct str bucket, key;
		if (athena_split_location(
			    (struct str){json_string_value(one), json_string_length(one)}, &bucket,
			    &key))
			store_object_delete(athena->settings.objects, bucket, key, STR(""), &none,
				&deleted, &error, &err);
	}
	made = json_object_get(kept, "Made");
	const struct store_table_name name = {
		athena_text(made, "Database"), athena_text(made, "Name")};
	if (!made ||
		store_catalog_get_table(athena->settings.catalog, name, &table, &error, &err) < 0)
		return;
	/* another may have made one of the name since */
	if (str_equal(athena_text(json_object_get(table, "Parameters"), "presto_query_id"),
		    athena_text(json_object_get(kept, "Execution"), "QueryExecutionId")))
		store_catalog_delete_table(athena->settings.catalog, name, &error, &err);
	json_decref(table);
}

/* ---- properties of WITH ---- */

static int refuse(const struct rows *rows, const char *what, struct str value)
{
	return athena_fail(rows->work->failure, "NOT_SUPPORTED", "%s '%.*s' is not supported", what,
		STR_ARG(value));
}

static int set_format(struct rows *rows, struct str format)
{
	static const struct {
		const char *name;
		enum athena_output_format format;
	} formats[] = {{"PARQUET", ATHENA_OUTPUT_PARQUET}, {"TEXTFILE", ATHENA_OUTPUT_TEXT},
		{"JSON", ATHENA_OUTPUT_JSON}};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!str_equal_ignoring_case(format, str_from(formats[i].name)))
			continue;
		rows->output.format = formats[i].format;
		return 0;
	}
	return refuse(rows, "the format", format);
}

static int set_compression(struct rows *rows, struct str compression)
{
	static const struct {
		const char *name, *compression;
		bool parquet_only;
	} kinds[] = {{"GZIP", "gzip", false}, {"ZSTD", "zstd", false}, {"NONE", "none", false},
		{"UNCOMPRESSED", "none", false}, {"SNAPPY", "snappy", true},
		{"LZ4", "lz4_raw", true}};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_equal_ignoring_case(compression, str_from(kinds[i].name)) ||
			(kinds[i].parquet_only && rows->output.format != ATHENA_OUTPUT_PARQUET))
			continue;
		rows->output.compression = kinds[i].compression;
		return 0;
	}
	return refuse(rows, "the compression", compression);
}

/* The format first, which decides what else may be said. */
static int read_properties(struct rows *rows)
{
	static const char *const taken[] = {"format", "external_location", "write_compression",
		"compression", "parquet_compression", "compression_level", "to", "table_type",
		"is_external", "field_delimiter", "partitioned_by", "bucketed_by", "bucket_count",
		NULL};
	const json_t *properties = rows->work->execution->ddl.what;
	struct str format = athena_text(properties, "format");
	const char *key;
	json_t *value;

	rows->output.compression = "gzip";
	rows->output.null_text = "\\N";
	rows->output.delimiter = '\1';
	if (set_format(rows, format.p ? format : STR("PARQUET")) < 0)
		return -1;
	json_object_foreach((json_t *)properties, key, value)
	{
		struct str text = athena_text(properties, key);
		size_t i = 0;
		while (taken[i] && strcmp(key, taken[i]) != 0)
			i++;
		if (!taken[i])
			return athena_fail(rows->work->failure, "INVALID_TABLE_PROPERTY",
				"line 1:1: Catalog 'awsdatacatalog' table property '%s' does not "
				"exist",
				key);
		if (strcmp(key, "table_type") == 0 && !str_equal_ignoring_case(text, STR("HIVE")))
			return refuse(rows, "the table type", text);
		if (strcmp(key, "field_delimiter") == 0) {
			if (rows->output.format != ATHENA_OUTPUT_TEXT || text.n != 1)
				return athena_fail(rows->work->failure, "INVALID_TABLE_PROPERTY",
					"field_delimiter must be one character, of a TEXTFILE");
			rows->output.delimiter = text.p[0];
		}
		if (str_ends_with(str_from(key), STR("compression")) &&
			set_compression(rows, text) < 0)
			return -1;
	}
	rows->output.keys = json_object_get(properties, "partitioned_by");
	return 0;
}

/* ---- files into objects ---- */

/* "20260917_085344_00007_k6s5b", as the engine calls a query. */
static void add_query_name(struct buf *name, const struct execution *execution)
{
	static atomic_uint count;
	time_t now = (time_t)(athena_now_ms() / 1000);
	struct tm at;
	char text[32];

	gmtime_r(&now, &at);
	strftime(text, sizeof(text), "%Y%m%d_%H%M%S", &at);
	buf_printf(name, "%s_%05u_%.5s", text, atomic_fetch_add(&count, 1) % 100000, execution->id);
}

static void add_escaped(struct buf *place, struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c))
			buf_printf(place, "%%%02X", c);
		else
			buf_add_char(place, (char)c);
	}
}

static void add_slash(struct buf *place)
{
	if (!str_ends_with(buf_str(place), STR("/")))
		buf_add_char(place, '/');
}

/* Where rows of a partition go: where the catalog has it, where the projection does, or into
 * folders called as the keys and values. */
static void add_place(struct buf *place, const struct rows *rows, struct str root,
	const json_t *table, const json_t *values)
{
	const struct work *work = rows->work;
	json_t *partition = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (table && json_array_size(values) > 0) {
		const struct store_table_name name = {
			athena_database_of(work), str_from(work->execution->ddl.name)};
		if (store_catalog_get_partition(work->athena->settings.catalog, name, values,
			    &partition, &error, &err) == 0) {
			buf_add_str(
				place, athena_text(json_object_get(partition, "StorageDescriptor"),
					       "Location"));
			add_slash(place);
			json_decref(partition);
			return;
		}
		if (athena_projected_place(place, table, values))
			return;
	}
	buf_add_str(place, root);
	add_slash(place);
	for (size_t k = 0; k < json_array_size(values); k++) {
		const json_t *key = json_array_get(rows->output.keys, k);
		const json_t *value = json_array_get(values, k);
		add_escaped(place, (struct str){json_string_value(key), json_string_length(key)});
		buf_add_char(place, '=');
		add_escaped(
			place, (struct str){json_string_value(value), json_string_length(value)});
		buf_add_char(place, '/');
	}
}

/* The objects that the files become, one for each, and the partitions. */
static json_t *plan(struct rows *rows, struct str root, const json_t *table)
{
	const json_t *outputs = athena_outputs(rows->work->engine);
	const char *gzip = rows->output.format == ATHENA_OUTPUT_PARQUET    ? ""
			   : strcmp(rows->output.compression, "gzip") == 0 ? ".gz"
			   : strcmp(rows->output.compression, "zstd") == 0 ? ".zst"
									   : "";
	_cleanup_buf_ struct buf query = {0}, place = {0}, former = {0};
	const json_t *before = NULL;
	json_t *written = json_array();

	add_query_name(&query, rows->work->execution);
	for (size_t i = 0; i < json_array_size(outputs); i++) {
		json_t *values = json_object_get(json_array_get(outputs, i), "Values");
		char id[ID_SIZE + 1];
		athena_id(id);
		if (!before || !json_equal(before, values)) {
			former.n = 0;
			add_place(&former, rows, root, table, values);
			json_array_append_new(rows->partitions,
				json_pack("{s:O, s:o}", "Values", values, "Location",
					athena_json(buf_str(&former))));
		}
		before = values;
		place.n = 0;
		buf_printf(&place, "%.*s%s_%s%s", STR_ARG(buf_str(&former)), buf_text(&query), id,
			gzip);
		json_array_append_new(written, athena_json(buf_str(&place)));
	}
	return written;
}

static int put_objects(const struct rows *rows, const json_t *written)
{
	const struct work *work = rows->work;
	const json_t *outputs = athena_outputs(work->engine);

	for (size_t i = 0; i < json_array_size(written); i++) {
		const json_t *place = json_array_get(written, i);
		if (athena_put_file(work->athena, work->execution,
			    (struct str){json_string_value(place), json_string_length(place)},
			    json_string_value(json_object_get(json_array_get(outputs, i), "Path")),
			    work->failure) < 0)
			return -1;
	}
	return 0;
}

static int write_manifest(const struct work *work, const json_t *written)
{
	_cleanup_buf_ struct buf text = {0}, name = {0};

	for (size_t i = 0; i < json_array_size(written); i++)
		buf_printf(&text, "%s\n", json_string_value(json_array_get(written, i)));
	buf_printf(&name, "%.*s-manifest.csv", STR_ARG(athena_output_of(work->execution)));
	if (athena_put_object(work->athena, work->execution, buf_str(&name), buf_str(&text),
		    work->failure) < 0)
		return -1;
	pthread_mutex_lock(&work->athena->lock);
	json_object_set_new(json_object_get(athena_document(work->execution), "Statistics"),
		"DataManifestLocation", athena_json(buf_str(&name)));
	pthread_mutex_unlock(&work->athena->lock);
	return 0;
}

/* The number of rows, and what lies beside a result. */
static int tell_result(const struct work *work)
{
	struct str output = athena_output_of(work->execution);
	json_t *columns = json_pack("[o]", athena_column("rows", "bigint", 19, 0, false));

	athena_keep(work, columns, athena_rows(work->engine));
	int r = athena_put_metadata(work->athena, work->execution, output, columns, work->failure);
	if (r == 0 && work->execution->ddl.kind == DDL_INSERT)
		r = athena_put_object(
			work->athena, work->execution, output, STR(""), work->failure);
	json_decref(columns);
	return r;
}

/* Kept durably, so that it is taken back after a crash. */
static int announce(const struct rows *rows, const char *name, json_t *value)
{
	const struct work *work = rows->work;

	pthread_mutex_lock(&work->athena->lock);
	json_object_set_new(work->execution->kept, name, value);
	json_t *kept = json_deep_copy(work->execution->kept);
	pthread_mutex_unlock(&work->athena->lock);
	int r = athena_store(work->athena, kept);
	json_decref(kept);
	return r < 0 ? athena_fail(work->failure, "GENERIC_INTERNAL_ERROR", "cannot keep the query")
		     : 0;
}

/* Runs the SELECT and makes objects of its rows, below root or in the table's partitions. */
static int write_rows(struct rows *rows, struct str root, const json_t *table)
{
	const struct work *work = rows->work;
	_cleanup_free_ char *folder =
		mem_printf("%s/%s", work->athena->settings.folder, work->execution->id);
	struct err err = ERR_INIT;
	json_t *written = NULL;

	if (file_make_folders(folder, 0700, &err) < 0)
		return athena_fail(work->failure, "GENERIC_INTERNAL_ERROR", "%s", err.message);
	rows->output.folder = folder;
	rows->query->output = &rows->output;
	int r = athena_run(work->engine, rows->query, work->failure);
	if (r == 0) {
		written = plan(rows, root, table);
		r = announce(rows, "Written", json_incref(written));
	}
	if (r == 0)
		r = put_objects(rows, written);
	if (r == 0)
		r = write_manifest(work, written);
	if (r == 0)
		r = tell_result(work);
	json_decref(written);
	nftw(folder, remove_entry, FOLDER_FDS, FTW_DEPTH | FTW_PHYS);
	rows->output.folder = NULL;
	return r;
}

/* The table's partitions that were written and the catalog does not have. */
static int add_partitions(const struct rows *rows, const json_t *table)
{
	const struct work *work = rows->work;
	json_t *inputs = json_array(), *errors = json_array();
	struct aws_error error;
	struct err err = ERR_INIT;
	int r = 0;

	for (size_t i = 0; i < json_array_size(rows->partitions); i++) {
		const json_t *one = json_array_get(rows->partitions, i);
		json_t *descriptor = json_deep_copy(json_object_get(table, "StorageDescriptor"));
		json_object_set(descriptor, "Location", json_object_get(one, "Location"));
		json_array_append_new(
			inputs, json_pack("{s:O, s:o}", "Values", json_object_get(one, "Values"),
					"StorageDescriptor", descriptor));
	}
	if (json_array_size(inputs) > 0 && json_array_size(rows->output.keys) > 0) {
		const struct store_table_name name = {
			athena_database_of(work), str_from(work->execution->ddl.name)};
		r = athena_may_table(work->athena, work->execution, "glue:BatchCreatePartition",
			name.database, name.table, work->failure);
		if (r == 0 && store_catalog_create_partitions(work->athena->settings.catalog, name,
				      inputs, errors, &error, &err) < 0)
			r = athena_fail_aws(work->failure, &error);
	}
	json_decref(errors);
	json_decref(inputs);
	return r;
}

static int end(struct rows *rows, int r)
{
	if (r < 0)
		athena_undo(rows->work->athena, rows->work->execution->kept);
	json_decref(rows->partitions);
	return r;
}

/* HIVE_PATH_ALREADY_EXISTS unless nothing lies there. */
static int check_empty(const struct work *work, struct str location)
{
	struct store_list list = {.count = 0};
	_cleanup_buf_ struct buf prefix = {0}, arn = {0};
	struct str bucket, key;
	struct aws_error error;
	struct err err = ERR_INIT;

	if (!athena_split_location(location, &bucket, &key))
		return athena_fail(work->failure, "INVALID_TABLE_PROPERTY",
			"the location %.*s is not a valid S3 path", STR_ARG(location));
	buf_printf(&arn, "arn:aws:s3:::%.*s", STR_ARG(bucket));
	if (athena_may(work->athena, work->execution, "s3:ListBucket", buf_str(&arn),
		    work->failure) < 0)
		return -1;
	buf_add_str(&prefix, key);
	if (key.n)
		add_slash(&prefix);
	const struct store_list_options options = {
		.bucket = bucket, .prefix = buf_str(&prefix), .max = 1};
	if (store_list(work->athena->settings.objects, &options, &list, &error, &err) < 0)
		return athena_fail_aws(work->failure, &error);
	bool empty = list.count == 0;
	store_list_done(&list);
	if (empty)
		return 0;
	return athena_fail(work->failure, "HIVE_PATH_ALREADY_EXISTS",
		"Target directory for table '%.*s.%s' already exists: %.*s. You may need to "
		"manually clean the data at location '%.*s' before retrying. Athena will not "
		"delete data in your account.",
		STR_ARG(athena_database_of(work)),
		work->execution->ddl.name ? work->execution->ddl.name : "", STR_ARG(location),
		STR_ARG(athena_output_of(work->execution)));
}

/* ---- CREATE TABLE AS ---- */

static json_t *table_input(const struct rows *rows, struct str location)
{
	static const char *const formats[] = {"PARQUET", "TEXTFILE", "JSONFILE"};
	static const char *const classifications[] = {"parquet", "csv", "json"};
	size_t count, keys = json_array_size(rows->output.keys);
	json_t *lists[] = {json_array(), json_array()};
	const struct execution *execution = rows->work->execution;
	enum athena_output_format format = rows->output.format;

	const struct athena_column *columns = athena_columns(rows->work->engine, &count);
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			lists[i >= count - keys], json_pack("{s:s, s:s}", "Name", columns[i].name,
							  "Type", columns[i].hive_type));
	json_t *table = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:s%, s:{s:{}}}}",
		"Name", execution->ddl.name, "TableType", "EXTERNAL_TABLE", "Parameters",
		"EXTERNAL", "TRUE", "classification", classifications[format], "presto_query_id",
		execution->id, "PartitionKeys", lists[1], "StorageDescriptor", "Columns", lists[0],
		"Location", location.p, location.n, "SerdeInfo", "Parameters");
	json_t *descriptor = json_object_get(table, "StorageDescriptor");
	json_t *serde = json_object_get(descriptor, "SerdeInfo");
	json_t *parameters = json_object_get(serde, "Parameters");
	ddl_use_format(descriptor, str_from(formats[format]));
	json_object_set_new(parameters, "serialization.format", json_string("1"));
	if (format == ATHENA_OUTPUT_TEXT) {
		json_t *mark = json_stringn_nocheck(&rows->output.delimiter, 1);
		json_object_set(parameters, "field.delim", mark);
		json_object_set_new(parameters, "serialization.format", mark);
	}
	if (format == ATHENA_OUTPUT_JSON)
		json_object_set_new(serde, "SerializationLibrary",
			json_string("org.apache.hive.hcatalog.data.JsonSerDe"));
	if (format == ATHENA_OUTPUT_PARQUET)
		json_object_set_new(json_object_get(table, "Parameters"), "parquet.compression",
			json_string(rows->output.compression));
	else
		json_object_set_new(json_object_get(table, "Parameters"), "write.compression",
			json_string(rows->output.compression));
	return table;
}

static int choose_location(const struct work *work, struct buf *location)
{
	const struct ddl *ddl = &work->execution->ddl;
	struct str given = athena_text(ddl->what, "external_location");
	struct err err = ERR_INIT;

	if (given.p) {
		json_t *group = athena_workgroup(work->athena,
			athena_text(athena_document(work->execution), "WorkGroup"), &err);
		const json_t *configuration = json_object_get(group, "Configuration");
		bool enforced = json_is_true(json_object_get(
					configuration, "EnforceWorkGroupConfiguration")) &&
				athena_text(json_object_get(configuration, "ResultConfiguration"),
					"OutputLocation")
					.n;
		json_decref(group);
		if (enforced)
			return athena_fail(work->failure, "INVALID_TABLE_PROPERTY",
				"The Create Table As Select query failed because it was submitted "
				"with an 'external_location' property to an Athena Workgroup that "
				"enforces a centralized output location for all queries. Please "
				"remove the 'external_location' property and resubmit the query.");
	}
	buf_add_str(location, given.p ? given : athena_output_of(work->execution));
	add_slash(location);
	return check_empty(work, buf_str(location));
}

static int make_table(const struct rows *rows, struct str location)
{
	const struct work *work = rows->work;
	struct str database = athena_database_of(work);
	json_t *input = table_input(rows, location);
	struct aws_error error;
	struct err err = ERR_INIT;

	int r = announce(rows, "Made",
		json_pack("{s:s%, s:s}", "Database", database.p, database.n, "Name",
			work->execution->ddl.name));
	if (r == 0 && store_catalog_create_table(work->athena->settings.catalog, database, input,
			      work->execution->caller->principal.arn, &error, &err) < 0)
		r = athena_fail_aws(work->failure, &error);
	if (r == 0)
		r = add_partitions(rows, input);
	json_decref(input);
	return r;
}

int athena_create_as(const struct work *work, struct athena_query *query)
{
	const struct ddl *ddl = &work->execution->ddl;
	struct rows rows = {.work = work, .query = query, .partitions = json_array()};
	_cleanup_buf_ struct buf location = {0};
	json_t *there = NULL;

	int r = athena_may_table(work->athena, work->execution, "glue:CreateTable",
		athena_database_of(work), str_from(ddl->name), work->failure);
	if (r == 0 && athena_table_exists(work, &there)) {
		json_decref(there);
		json_decref(rows.partitions);
		return ddl->if_exists ? 0
				      : athena_fail(work->failure, "TABLE_ALREADY_EXISTS",
						"line 1:1: Destination table "
						"'awsdatacatalog.%.*s.%s' already exists",
						STR_ARG(athena_database_of(work)), ddl->name);
	}
	rows.output.without_data = ddl->without_data;
	if (r == 0)
		r = read_properties(&rows);
	if (r == 0)
		r = choose_location(work, &location);
	if (r == 0)
		r = write_rows(&rows, buf_str(&location), NULL);
	if (r == 0)
		r = make_table(&rows, buf_str(&location));
	return end(&rows, r);
}

/* ---- INSERT ---- */

static bool has(struct str text, const char *part)
{
	return text.p && memmem(text.p, text.n, part, strlen(part));
}

static int read_table(struct rows *rows, const json_t *table)
{
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	const json_t *serde = json_object_get(descriptor, "SerdeInfo");
	const json_t *parameters = json_object_get(serde, "Parameters");
	const json_t *own = json_object_get(table, "Parameters");
	struct str library = athena_text(serde, "SerializationLibrary");
	struct str skip = athena_text(own, "skip.header.line.count");
	struct str mark = athena_text(parameters, "field.delim");
	struct str compression = athena_text(own, "write.compression");

	if (str_equal(athena_text(table, "TableType"), STR("VIRTUAL_VIEW")))
		return athena_fail(rows->work->failure, "NOT_SUPPORTED",
			"Inserting into views is not supported");
	if (has(library, "ParquetHiveSerDe")) {
		rows->output.format = ATHENA_OUTPUT_PARQUET;
		compression = compression.p ? compression : athena_text(own, "parquet.compression");
	} else if (has(library, "LazySimpleSerDe")) {
		rows->output.format = ATHENA_OUTPUT_TEXT;
	} else if (has(library, "JsonSerDe")) {
		rows->output.format = ATHENA_OUTPUT_JSON;
	} else {
		return refuse(rows, "INSERT INTO a table of the SerDe", library);
	}
	if (skip.n && !str_equal(skip, STR("0")))
		return athena_fail(rows->work->failure, "NOT_SUPPORTED",
			"Inserting into Hive table with skip.header.line.count property not "
			"supported");
	if (mark.n > 1 || (mark.n && mark.p[0] >= '0' && mark.p[0] <= '9'))
		return refuse(rows, "INSERT INTO a table of the delimiter", mark);
	struct str null_text = athena_text(parameters, "serialization.null.format");
	rows->output.delimiter = mark.n ? mark.p[0] : '\1';
	rows->output.null_text = null_text.p ? null_text.p : "\\N";
	rows->output.compression = "gzip";
	return compression.p ? set_compression(rows, compression) : 0;
}

static int insert_into(struct rows *rows, const json_t *table)
{
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	json_t *columns = json_copy(json_object_get(descriptor, "Columns"));
	json_t *keys = json_array();
	struct str enabled =
		athena_text(json_object_get(table, "Parameters"), "projection.enabled");

	json_array_extend(columns, json_object_get(table, "PartitionKeys"));
	for (size_t k = 0; k < json_array_size(json_object_get(table, "PartitionKeys")); k++)
		json_array_append(keys,
			json_object_get(json_array_get(json_object_get(table, "PartitionKeys"), k),
				"Name"));
	rows->output.columns = columns;
	rows->output.given = rows->work->execution->ddl.what;
	rows->output.keys = keys;
	int r = read_table(rows, table);
	if (r == 0)
		r = write_rows(rows, athena_text(descriptor, "Location"), table);
	if (r == 0 && !(enabled.p && str_equal_ignoring_case(enabled, STR("true"))))
		r = add_partitions(rows, table);
	json_decref(columns);
	json_decref(keys);
	return r;
}

int athena_insert(const struct work *work, struct athena_query *query)
{
	struct rows rows = {.work = work, .query = query};
	const struct ddl *ddl = &work->execution->ddl;
	json_t *table = NULL;

	if (athena_may_table(work->athena, work->execution, "glue:GetTable",
		    athena_database_of(work), str_from(ddl->name), work->failure) < 0)
		return -1;
	if (!athena_table_exists(work, &table))
		return athena_fail(work->failure, "TABLE_NOT_FOUND",
			"line 1:1: Table 'awsdatacatalog.%.*s.%s' does not exist",
			STR_ARG(athena_database_of(work)), ddl->name);
	rows.partitions = json_array();
	int r = end(&rows, insert_into(&rows, table));
	json_decref(table);
	return r;
}

/* ---- UNLOAD ---- */

int athena_unload(const struct work *work, struct athena_query *query)
{
	struct rows rows = {.work = work, .query = query, .partitions = json_array()};
	struct str to = athena_text(work->execution->ddl.what, "to");

	int r = read_properties(&rows);
	if (r == 0)
		r = check_empty(work, to);
	if (r == 0)
		r = write_rows(&rows, to, NULL);
	return end(&rows, r);
}
