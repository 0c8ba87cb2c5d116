#include "query/athena_priv.h"

#include "query/rewrite_priv.h"
#include "record/field.h"

void athena_aliases_find(struct athena_engine *engine, struct str text)
{
	engine->aliases |= rewrite_mentioned_aliases(text);
}

static bool has_column(const json_t *columns, struct str name)
{
	for (size_t i = 0; i < json_array_size(columns); i++) {
		struct str one =
			athena_json_str(json_object_get(json_array_get(columns, i), "Name"));
		if (str_equal_ignoring_case(one, name))
			return true;
	}
	return false;
}

void athena_aliases_add(struct athena_engine *engine, const struct athena_reference *reference,
	const json_t *columns, struct buf *sql)
{
	for (unsigned i = 0; i < record_field_aliases_count; i++) {
		const struct record_field_alias *alias = &record_field_aliases[i];
		struct str name = record_fields[alias->field].sql_name;
		if (!(engine->aliases >> i & 1) || strcmp(reference->table, REWRITE_TABLE) != 0 ||
			!has_column(columns, name) || has_column(columns, alias->sql_name))
			continue;
		engine->aliases_added |= UINT32_C(1) << i;
		buf_add_text(sql, ", ");
		athena_add_name(sql, name);
		buf_add_text(sql, " AS ");
		athena_add_name(sql, alias->sql_name);
	}
}

bool athena_aliases_exclude(struct athena_engine *engine, struct str text, struct buf *sql)
{
	struct athena_failure ignored;
	_cleanup_buf_ struct buf tree = {0};

	return engine->aliases_added &&
	       athena_ask(engine, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", text, &tree,
		       &ignored) == 0 &&
	       rewrite_exclude_aliases(sql, text, engine->aliases_added, buf_str(&tree));
}
