/* SHOW and DESCRIBE. Rows are lines of text with tabs between columns; all columns of Hive's
 * statements are of the type string. */
#include "api/athena/ddl_priv.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void add_column(const struct doing *doing, const char *name)
{
	json_array_append_new(doing->columns, athena_column(name, "string", 0, 0, true));
}

int ddl_show_partitions(const struct doing *doing)
{
	struct source source = {doing->athena, doing->execution};
	struct athena_source from = athena_source_of(&source);
	json_t *table = ddl_get_table(doing), *partitions = NULL;

	if (!table)
		return -1;
	add_column(doing, "partition");
	int r = json_array_size(json_object_get(table, "PartitionKeys")) > 0
			? from.partitions(from.context, doing->database, str_from(doing->ddl->name),
				  &partitions, doing->failure)
			: athena_fail(doing->failure, "FAILED",
				  "Execution Error, return code 1 from "
				  "org.apache.hadoop.hive.ql.exec.DDLTask. Table %.*s.%s is not a "
				  "partitioned table",
				  STR_ARG(doing->database), doing->ddl->name);
	for (size_t i = 0; i < json_array_size(partitions); i++) {
		ddl_add_spec(doing, table, json_object_get(json_array_get(partitions, i), "Values"),
			"/");
		buf_add_char(doing->text, '\n');
	}
	json_decref(partitions);
	json_decref(table);
	return r;
}

/* * and .* are any text, | or; nothing else is special. */
static void add_glob(struct buf *glob, struct str pattern)
{
	for (size_t i = 0; i < pattern.n; i++) {
		char c = pattern.p[i];
		if (c == '.' && i + 1 < pattern.n && pattern.p[i + 1] == '*')
			continue;
		if (strchr("?[\\", c))
			buf_add_char(glob, '\\');
		buf_add_char(glob, c);
	}
}

static bool matches(const struct doing *doing, const char *name)
{
	struct str pattern = athena_text(doing->ddl->what, "Pattern"), one;

	if (!pattern.p)
		return true;
	while (str_split(&pattern, '|', &one)) {
		_cleanup_buf_ struct buf glob = {0};
		add_glob(&glob, one);
		if (fnmatch(buf_text(&glob), name, FNM_CASEFOLD) == 0)
			return true;
	}
	return false;
}

int ddl_show_databases(const struct doing *doing)
{
	json_t *list = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	add_column(doing, "database_name");
	if (athena_may_table(doing->athena, doing->execution, "glue:GetDatabases", STR(""), STR(""),
		    doing->failure) < 0)
		return -1;
	if (store_catalog_list_databases(
		    doing->athena->settings.catalog, STR(""), 100000, &list, &error, &err) < 0)
		return athena_fail_aws(doing->failure, &error);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(list, i), "Name"));
		if (matches(doing, name))
			buf_printf(doing->text, "%s\n", name);
	}
	json_decref(list);
	return 0;
}

int ddl_show_tables(const struct doing *doing)
{
	json_t *list = NULL;
	struct aws_error error;
	struct err err = ERR_INIT;

	add_column(doing, doing->ddl->kind == DDL_SHOW_VIEWS ? "views" : "tab_name");
	if (ddl_may(doing, "glue:GetTables", false) < 0)
		return -1;
	if (store_catalog_list_tables(doing->athena->settings.catalog, doing->database, STR(""),
		    100000, &list, &error, &err) < 0)
		return athena_fail(doing->failure, "FAILED",
			"SemanticException [Error 10072]: Database does not exist: %.*s",
			STR_ARG(doing->database));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *table = json_array_get(list, i);
		const char *name = json_string_value(json_object_get(table, "Name"));
		bool view = str_equal(athena_text(table, "TableType"), STR("VIRTUAL_VIEW"));
		if (matches(doing, name) && (view || doing->ddl->kind == DDL_SHOW_TABLES))
			buf_printf(doing->text, "%s\n", name);
	}
	json_decref(list);
	return 0;
}

static void add_fields(const struct doing *doing, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *column = json_array_get(list, i);
		struct str comment = athena_text(column, "Comment");
		if (doing->ddl->kind == DDL_SHOW_COLUMNS)
			buf_printf(doing->text, "%-20s\n",
				json_string_value(json_object_get(column, "Name")));
		else
			buf_printf(doing->text, "%-20s\t%-20s\t%-20.*s\n",
				json_string_value(json_object_get(column, "Name")),
				json_string_value(json_object_get(column, "Type")),
				STR_ARG(comment));
	}
}

/* ---- DESCRIBE FORMATTED, EXTENDED ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The object's names in order; free it. */
static const char **names_in_order(const json_t *object, size_t *ret_count)
{
	const char **names = mem_new(json_object_size(object) + 1, sizeof(*names)), *name;
	size_t count = 0;
	json_t *value;

	json_object_foreach((json_t *)object, name, value) names[count++] = name;
	qsort(names, count, sizeof(*names), compare);
	*ret_count = count;
	return names;
}

static void add_line(const struct doing *doing, const char *name, struct str value)
{
	buf_printf(doing->text, "%-20s\t%-20.*s\t \n", name, STR_ARG(value));
}

static void add_parameters(const struct doing *doing, const char *title, const json_t *parameters)
{
	size_t count;
	_cleanup_free_ const char **names = names_in_order(parameters, &count);

	add_line(doing, title, STR(" "));
	for (size_t i = 0; i < count; i++)
		buf_printf(doing->text, "\t%-20s\t%-20.*s\n", names[i],
			STR_ARG(athena_text(parameters, names[i])));
}

/* "Thu Jan 01 00:00:00 UTC 1970" */
static void add_time(const struct doing *doing, const char *name, const json_t *ms)
{
	time_t at = (time_t)(json_integer_value(ms) / 1000);
	struct tm time;
	char text[64];

	gmtime_r(&at, &time);
	size_t n = strftime(text, sizeof(text), "%a %b %d %H:%M:%S UTC %Y", &time);
	add_line(doing, name, (struct str){text, n});
}

static void add_formatted(const struct doing *doing, const json_t *table)
{
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	const json_t *serde = json_object_get(descriptor, "SerdeInfo");
	struct str owner = athena_text(table, "Owner");

	buf_add_text(doing->text, "\t \t \n# Detailed Table Information\t \t \n");
	add_line(doing, "Database:", doing->database);
	add_line(doing, "Owner:", owner.p ? owner : STR("hadoop"));
	add_time(doing, "CreateTime:", json_object_get(table, "CreateTime"));
	add_line(doing, "LastAccessTime:", STR("UNKNOWN"));
	add_line(doing, "Protect Mode:", STR("None"));
	add_line(doing, "Retention:", STR("0"));
	add_line(doing, "Location:", athena_text(descriptor, "Location"));
	add_line(doing, "Table Type:", athena_text(table, "TableType"));
	add_parameters(doing, "Table Parameters:", json_object_get(table, "Parameters"));
	buf_add_text(doing->text, "\t \t \n# Storage Information\t \t \n");
	add_line(doing, "SerDe Library:", athena_text(serde, "SerializationLibrary"));
	add_line(doing, "InputFormat:", athena_text(descriptor, "InputFormat"));
	add_line(doing, "OutputFormat:", athena_text(descriptor, "OutputFormat"));
	add_line(doing, "Compressed:", STR("No"));
	add_line(doing, "Num Buckets:", STR("-1"));
	add_line(doing, "Bucket Columns:", STR("[]"));
	add_line(doing, "Sort Columns:", STR("[]"));
	add_parameters(doing, "Storage Desc Params:", json_object_get(serde, "Parameters"));
}

static void add_extended(const struct doing *doing, const json_t *table)
{
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	char *parameters = json_dumps(json_object_get(table, "Parameters"), JSON_SORT_KEYS);

	buf_printf(doing->text,
		"\t \t \nDetailed Table Information\tTable(tableName:%s, dbName:%.*s, "
		"createTime:%lld, location:%.*s, inputFormat:%.*s, outputFormat:%.*s, "
		"parameters:%s, tableType:%.*s)\t \n",
		doing->ddl->name, STR_ARG(doing->database),
		(long long)json_integer_value(json_object_get(table, "CreateTime")) / 1000,
		STR_ARG(athena_text(descriptor, "Location")),
		STR_ARG(athena_text(descriptor, "InputFormat")),
		STR_ARG(athena_text(descriptor, "OutputFormat")), parameters ? parameters : "{}",
		STR_ARG(athena_text(table, "TableType")));
	free(parameters);
}

static void add_title(const struct doing *doing)
{
	buf_printf(
		doing->text, "%-20s\t%-20s\t%-20s\n\t \t \n", "# col_name", "data_type", "comment");
}

int ddl_describe(const struct doing *doing)
{
	json_t *table = ddl_get_table(doing);
	const json_t *keys = json_object_get(table, "PartitionKeys");
	const struct ddl *ddl = doing->ddl;

	if (!table)
		return -1;
	if (ddl->kind == DDL_SHOW_COLUMNS) {
		add_column(doing, "field");
	} else {
		add_column(doing, "col_name");
		add_column(doing, "data_type");
		add_column(doing, "comment");
	}
	if (ddl->formatted)
		add_title(doing);
	add_fields(doing, json_object_get(json_object_get(table, "StorageDescriptor"), "Columns"));
	if (!ddl->formatted) /* there they stand in their own part only */
		add_fields(doing, keys);
	if (json_array_size(keys) > 0 && ddl->kind == DDL_DESCRIBE) {
		buf_add_text(doing->text, "\t \t \n# Partition Information\t \t \n");
		add_title(doing);
		add_fields(doing, keys);
	}
	if (ddl->formatted)
		add_formatted(doing, table);
	if (ddl->extended)
		add_extended(doing, table);
	json_decref(table);
	return 0;
}

int ddl_show_properties(const struct doing *doing)
{
	json_t *table = ddl_get_table(doing);
	const json_t *parameters = json_object_get(table, "Parameters");
	struct str wanted = athena_text(doing->ddl->what, "Key");
	size_t count;

	if (!table)
		return -1;
	add_column(doing, "prpt_name");
	add_column(doing, "prpt_value");
	_cleanup_free_ const char **names = names_in_order(parameters, &count);
	bool found = false;
	for (size_t i = 0; i < count; i++) {
		if (wanted.p && !str_equal(wanted, str_from(names[i])))
			continue;
		found = true;
		buf_printf(doing->text, "%s\t%.*s\n", names[i],
			STR_ARG(athena_text(parameters, names[i])));
	}
	if (wanted.p && !found)
		buf_printf(doing->text, "Table %.*s.%s does not have property: %.*s\n",
			STR_ARG(doing->database), doing->ddl->name, STR_ARG(wanted));
	json_decref(table);
	return 0;
}

/* ---- SHOW CREATE ---- */

static void add_quoted(struct buf *text, struct str value)
{
	buf_add_char(text, '\'');
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if (c < 0x20 && c != '\t' && c != '\n') {
			buf_printf(text, "\\u%04X", c);
			continue;
		}
		if (c == '\t' || c == '\n') {
			buf_add_text(text, c == '\t' ? "\\t" : "\\n");
			continue;
		}
		if (c == '\'' || c == '\\')
			buf_add_char(text, '\\');
		buf_add_char(text, (char)c);
	}
	buf_add_char(text, '\'');
}

static void add_definition(struct buf *text, const json_t *columns)
{
	for (size_t i = 0; i < json_array_size(columns); i++) {
		const json_t *column = json_array_get(columns, i);
		struct str comment = athena_text(column, "Comment");
		buf_printf(text, "  `%s` %s", json_string_value(json_object_get(column, "Name")),
			json_string_value(json_object_get(column, "Type")));
		if (comment.p) {
			buf_add_text(text, " COMMENT ");
			add_quoted(text, comment);
		}
		buf_add_text(text, i + 1 < json_array_size(columns) ? ", \n" : ")\n");
	}
}

static void add_pairs(struct buf *text, const json_t *pairs)
{
	size_t count;
	_cleanup_free_ const char **names = names_in_order(pairs, &count);

	for (size_t i = 0; i < count; i++) {
		buf_add_text(text, i ? ", \n  " : "  ");
		add_quoted(text, str_from(names[i]));
		buf_add_char(text, '=');
		add_quoted(text, athena_text(pairs, names[i]));
	}
	buf_add_text(text, ")\n");
}

static const struct {
	const char *parameter, *clause;
} marks[] = {{"field.delim", "FIELDS TERMINATED BY"}, {"escape.delim", "ESCAPED BY"},
	{"collection.delim", "COLLECTION ITEMS TERMINATED BY"},
	{"mapkey.delim", "MAP KEYS TERMINATED BY"}, {"line.delim", "LINES TERMINATED BY"},
	{"serialization.null.format", "NULL DEFINED AS"}};

/* Can ROW FORMAT DELIMITED say it all? */
static bool is_delimited(const json_t *serde)
{
	struct str library = athena_text(serde, "SerializationLibrary");
	const char *key;
	json_t *value;

	if (!str_ends_with(library, STR("LazySimpleSerDe")) ||
		!athena_text(json_object_get(serde, "Parameters"), "field.delim").p)
		return false;
	json_object_foreach(json_object_get(serde, "Parameters"), key, value)
	{
		bool known = strcmp(key, "serialization.format") == 0;
		for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
			known |= strcmp(key, marks[i].parameter) == 0;
		if (!known)
			return false;
	}
	return true;
}

static void add_row_format(struct buf *text, const json_t *serde)
{
	const json_t *parameters = json_object_get(serde, "Parameters");

	if (is_delimited(serde)) {
		buf_add_text(text, "ROW FORMAT DELIMITED \n");
		for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
			struct str mark = athena_text(parameters, marks[i].parameter);
			if (!mark.p)
				continue;
			buf_printf(text, "  %s ", marks[i].clause);
			add_quoted(text, mark);
			buf_add_text(text, " \n");
		}
		return;
	}
	buf_add_text(text, "ROW FORMAT SERDE \n  ");
	add_quoted(text, athena_text(serde, "SerializationLibrary"));
	buf_add_text(text, " \n");
	if (json_object_size(parameters) > 0) {
		buf_add_text(text, "WITH SERDEPROPERTIES ( \n");
		add_pairs(text, parameters);
	}
}

int ddl_show_create_table(const struct doing *doing)
{
	json_t *table = ddl_get_table(doing);
	const json_t *descriptor = json_object_get(table, "StorageDescriptor");
	const json_t *serde = json_object_get(descriptor, "SerdeInfo");
	const json_t *keys = json_object_get(table, "PartitionKeys");
	struct buf *text = doing->text;

	if (!table)
		return -1;
	if (str_equal(athena_text(table, "TableType"), STR("VIRTUAL_VIEW"))) {
		json_decref(table);
		return athena_fail(doing->failure, "FAILED",
			"SemanticException %.*s.%s is a view: use SHOW CREATE VIEW",
			STR_ARG(doing->database), doing->ddl->name);
	}
	add_column(doing, "createtab_stmt");
	buf_printf(text, "CREATE EXTERNAL TABLE `%.*s.%s`(\n", STR_ARG(doing->database),
		doing->ddl->name);
	add_definition(text, json_object_get(descriptor, "Columns"));
	if (json_array_size(keys) > 0) {
		buf_add_text(text, "PARTITIONED BY ( \n");
		add_definition(text, keys);
	}
	add_row_format(text, serde);
	buf_add_text(text, "STORED AS INPUTFORMAT \n  ");
	add_quoted(text, athena_text(descriptor, "InputFormat"));
	buf_add_text(text, " \nOUTPUTFORMAT \n  ");
	add_quoted(text, athena_text(descriptor, "OutputFormat"));
	buf_add_text(text, "\nLOCATION\n  ");
	add_quoted(text, athena_text(descriptor, "Location"));
	buf_add_text(text, "\nTBLPROPERTIES (\n");
	json_t *parameters = json_copy(json_object_get(table, "Parameters"));
	if (!parameters)
		parameters = json_object();
	json_object_del(parameters, "EXTERNAL"); /* the statement says it */
	json_object_set_new(parameters, "transient_lastDdlTime",
		json_sprintf("%lld",
			(long long)json_integer_value(json_object_get(table, "UpdateTime")) /
				1000));
	add_pairs(text, parameters);
	json_decref(parameters);
	json_decref(table);
	return 0;
}

int ddl_show_create_view(const struct doing *doing)
{
	json_t *table = ddl_get_table(doing);
	_cleanup_buf_ struct buf sql = {0}, schema = {0};

	if (!table)
		return -1;
	bool known = athena_view_sql(table, &sql, &schema);
	json_decref(table);
	if (!known)
		return athena_fail(doing->failure, "NOT_SUPPORTED",
			"line 1:1: Relation 'awsdatacatalog.%.*s.%s' is a table, not a view",
			STR_ARG(doing->database), doing->ddl->name);
	add_column(doing, "Create View");
	buf_printf(doing->text, "CREATE VIEW awsdatacatalog.%.*s.%s AS\n%.*s",
		STR_ARG(doing->database), doing->ddl->name, STR_ARG(buf_str(&sql)));
	return 0;
}
