/* From what the objects have to what the table shows. Columns are the fields of version 2, then
 * the other known fields that some object has, in the order of the field table, then the unknown
 * ones in the order in which they are met. Each kind of object becomes a branch of UNION ALL that
 * lists every column, cast to AWS's SQL type, or NULL where the kind lacks it: DuckDB pushes the
 * choice of columns into each branch, and conditions into Parquet.
 * Text columns of Parquet hold "-" where a value is missing (NODATA records), as AWS writes them;
 * here that is NULL, as in text. */
#include "query/selection_priv.h"

#include "query/columns_priv.h"
#include "query/rewrite_priv.h"
#include "record/format.h"

#include <stdio.h>

/* "log-status" to "log_status": lower case, what is no letter or digit becomes '_'. */
static char *sql_name_of(struct str name)
{
	char *sql_name = mem_new(name.n + 2, 1);
	size_t n = 0;

	if (name.n && name.p[0] >= '0' && name.p[0] <= '9')
		sql_name[n++] = '_';
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c | 32);
		bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			     (unsigned char)c >= 0x80;
		sql_name[n++] = plain ? c : '_';
	}
	return sql_name;
}

static int field_of(struct str name, const char *sql_name)
{
	int field = record_field_find(name);

	return field >= 0 ? field : record_field_find_sql(str_from(sql_name));
}

int query_columns_find(const struct query_session *session, struct str name)
{
	_cleanup_free_ char *sql_name = sql_name_of(name);
	int field = field_of(name, sql_name);

	for (size_t i = 0; i < session->columns_count; i++) {
		const struct query_column *column = &session->columns[i];
		if (field >= 0 ? column->field == field : strcmp(column->name, sql_name) == 0)
			return (int)i;
	}
	return -1;
}

static void add_column(struct query_session *session, struct query_column column)
{
	session->columns =
		mem_grow(session->columns, session->columns_count + 1, sizeof(*session->columns));
	session->columns[session->columns_count++] = column;
}

static void add_known_columns(struct query_session *session)
{
	bool present[RECORD_FIELDS] = {false};

	for (size_t i = 0; i < record_format_default.count; i++)
		present[record_format_default.fields[i]] = true;
	for (size_t i = 0; i < session->shapes_count; i++) {
		const struct query_shape *shape = session->shapes[i];
		for (size_t j = 0; j < shape->count; j++) {
			struct str name = str_from(shape->source[j].name);
			_cleanup_free_ char *sql_name = sql_name_of(name);
			int field = field_of(name, sql_name);
			if (field >= 0)
				present[field] = true;
		}
	}
	for (int field = 0; field < RECORD_FIELDS; field++)
		present[field] = present[field] || query_selection_wants_field(session, field);
	for (int field = 0; field < RECORD_FIELDS; field++) {
		const struct record_field_info *info = &record_fields[field];
		if (present[field])
			add_column(session, (struct query_column){
						    .name = mem_strdup(info->sql_name.p),
						    .field = field,
						    .type = info->parquet,
						    .sql_type = info->sql_type,
					    });
	}
}

void query_columns_make(struct query_session *session)
{
	query_columns_free(session);
	add_known_columns(session);
	/* in the order of the objects: shapes were found by several threads */
	_cleanup_free_ bool *seen = mem_new(session->shapes_count + 1, sizeof(*seen));
	for (size_t i = 0; i < session->objects.count; i++) {
		if (session->object_shape[i] >= session->shapes_count)
			continue; /* not looked at */
		struct query_shape *shape = session->shapes[session->object_shape[i]];
		if (seen[session->object_shape[i]])
			continue;
		seen[session->object_shape[i]] = true;
		for (size_t j = 0; j < shape->count; j++) {
			struct str name = str_from(shape->source[j].name);
			int column = query_columns_find(session, name);
			if (column < 0) {
				add_column(session, (struct query_column){
							    .name = sql_name_of(name),
							    .field = -1,
							    .type = RECORD_TYPE_STRING,
							    .sql_type = "VARCHAR",
						    });
				column = (int)session->columns_count - 1;
			}
			shape->source[j].column = column;
		}
	}
}

void query_columns_free(struct query_session *session)
{
	for (size_t i = 0; i < session->columns_count; i++)
		free(session->columns[i].name);
	free(session->columns);
	session->columns = NULL;
	session->columns_count = 0;
}

uint32_t query_columns_aliases(const struct query_session *session)
{
	uint32_t aliases = 0;

	for (unsigned i = 0; i < record_field_aliases_count; i++) {
		if (query_columns_find(session, record_field_aliases[i].sql_name) >= 0)
			aliases |= UINT32_C(1) << i;
	}
	return aliases;
}

/* A column of a Parquet object as the type that the table has. */
static void add_parquet_value(
	struct buf *buf, const struct query_column *column, const struct query_shape_column *source)
{
	struct str type = str_from(source->type);
	const char *cast = column->sql_type;

	if (column->type == RECORD_TYPE_STRING && str_equal(type, STR("VARCHAR"))) {
		/* unlike NULLIF, DuckDB looks at each distinct value once */
		buf_add_text(buf, "CASE WHEN ");
		query_add_identifier(buf, source->name);
		buf_add_text(buf, " <> '-' THEN ");
		query_add_identifier(buf, source->name);
		buf_add_text(buf, " END");
	} else if (column->type == RECORD_TYPE_STRING) {
		buf_add_text(buf, "NULLIF(CAST(");
		query_add_identifier(buf, source->name);
		buf_add_text(buf, " AS VARCHAR), '-')");
	} else if (str_starts_with(type, STR("TIMESTAMP"))) {
		buf_add_text(buf, "CAST(epoch(");
		query_add_identifier(buf, source->name);
		buf_printf(buf, ") AS %s)", cast);
	} else {
		/* text where AWS has numbers may hold "-" */
		buf_add_text(buf, str_equal(type, STR("VARCHAR")) ? "TRY_CAST(" : "CAST(");
		query_add_identifier(buf, source->name);
		buf_printf(buf, " AS %s)", cast);
	}
}

static void add_parquet_column(struct buf *buf, const struct query_column *column,
	const struct query_shape *shape, int index)
{
	size_t sources = 0;
	size_t added = 0;

	for (size_t i = 0; i < shape->count; i++)
		sources += shape->source[i].column == index;
	if (sources == 0)
		buf_printf(buf, "CAST(NULL AS %s)", column->sql_type);
	/* an object may have a field by an older and by its newer name */
	if (sources > 1)
		buf_add_text(buf, "COALESCE(");
	for (size_t i = 0; i < shape->count; i++) {
		if (shape->source[i].column != index)
			continue;
		buf_add_text(buf, added++ ? ", " : "");
		add_parquet_value(buf, column, &shape->source[i]);
	}
	if (sources > 1)
		buf_add_char(buf, ')');
}

static void add_parquet_branch(
	const struct query_session *session, size_t shape_index, struct buf *buf)
{
	const struct query_shape *shape = session->shapes[shape_index];
	const char *separator = "";

	buf_add_text(buf, "SELECT ");
	for (size_t i = 0; i < session->columns_count; i++) {
		const struct query_column *column = &session->columns[i];
		buf_add_text(buf, i ? ", " : "");
		add_parquet_column(buf, column, shape, (int)i);
		buf_add_text(buf, " AS ");
		query_add_identifier(buf, column->name);
	}
	buf_add_text(buf, " FROM read_parquet([");
	for (size_t i = 0; i < session->objects.count; i++) {
		if (session->object_shape[i] != shape_index || !query_selection_has(session, i))
			continue;
		_cleanup_buf_ struct buf path = {0};
		/* DuckDB takes each path for a glob */
		for (const char *p = query_object_path(&session->objects.object[i]); *p; p++)
			buf_printf(&path, strchr("*?[", *p) ? "[%c]" : "%c", *p);
		buf_add_text(buf, separator);
		query_add_literal(buf, buf_text(&path));
		separator = ", ";
	}
	buf_add_text(buf, "], hive_partitioning = false)");
	query_columns_filter(buf, shape, session->filter);
}

static bool is_used(const struct query_session *session, size_t shape_index)
{
	for (size_t i = 0; i < session->objects.count; i++)
		if (session->object_shape[i] == shape_index && query_selection_has(session, i))
			return true;
	return false;
}

void query_columns_view(const struct query_session *session, uint32_t aliases, struct buf *buf)
{
	const char *separator = "";

	buf_add_text(buf, "SELECT *");
	for (unsigned i = 0; i < record_field_aliases_count; i++) {
		const struct record_field_alias *alias = &record_field_aliases[i];
		if (!(aliases >> i & 1))
			continue;
		int column = query_columns_find(session, alias->sql_name);
		buf_add_text(buf, ", ");
		query_add_identifier(buf, session->columns[column].name);
		buf_printf(buf, " AS %.*s", STR_ARG(alias->sql_name));
	}
	buf_add_text(buf, " FROM (");
	bool has_parquet = false;
	for (size_t i = 0; i < session->shapes_count; i++)
		has_parquet = has_parquet || (session->shapes[i]->parquet && is_used(session, i));
	/* Something must say the columns when nothing is to be read. */
	if (session->texts_count || !has_parquet) {
		buf_add_text(buf, "SELECT * FROM " SESSION_TEXT_FUNCTION "()");
		separator = " UNION ALL ";
	}
	for (size_t i = 0; i < session->shapes_count; i++) {
		if (!session->shapes[i]->parquet || !is_used(session, i))
			continue;
		buf_add_text(buf, separator);
		add_parquet_branch(session, i, buf);
		separator = " UNION ALL ";
	}
	buf_add_text(buf, ")");
}
