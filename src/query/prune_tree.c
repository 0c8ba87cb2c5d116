/* Conditions of a statement, of DuckDB's parse tree. A query over vpc_flow_logs wants what its
 * WHERE lets through: comparisons, IN, BETWEEN, AND and OR on end, start, account_id and region
 * are understood, with times also as to_timestamp(end), date_trunc('hour', ...) and casts of those;
 * the other side is whatever DuckDB can compute without a column. All of these reject NULL, so that
 * rows which do not come at all make no difference to joins either. */
#include "query/prune_priv.h"

#include "query/lexer_priv.h"
#include "query/rewrite_priv.h"
#include "record/field.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#define TABLES_MAX     16
#define EXPRESSION_MAX 4096 /* bytes of a constant expression's SQL */
#define NAMES_MAX      1000 /* of one IN */
#define NOW_SECONDS    3600 /* now() is asked for earlier than the statement asks */

/* The table of one FROM clause whose columns are looked for. */
struct scope {
	const struct prune_evaluator *evaluator;
	const char *name; /* alias, else the table's own */
	bool is_alone;    /* names without a table are its too */
	bool is_nested;   /* columns that it may not have could be of a query around it */
};

static bool text_is(const json_t *object, const char *key, const char *expected)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && strcasecmp(text, expected) == 0;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const json_t *get(const json_t *object, const char *key)
{
	return json_object_get(object, key);
}

/* ---- expressions without columns, as SQL ---- */

static const char *const functions[] = {"+", "-", "*", "/", "to_timestamp", "epoch", "epoch_ms",
	"make_timestamp", "make_date", "date_trunc", "now", "today", "get_current_timestamp",
	"current_date", "current_timestamp", "to_years", "to_months", "to_weeks", "to_days",
	"to_hours", "to_minutes", "to_seconds", "trunc", "floor", "round", "strptime", "concat",
	"||", "lower", "upper", "lpad"};

static bool is_known_function(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++)
		if (strcasecmp(functions[i], name) == 0)
			return true;
	return false;
}

static void add_literal(struct buf *sql, const char *text)
{
	buf_add_char(sql, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			buf_add_char(sql, '\'');
		buf_add_char(sql, *text);
	}
	buf_add_char(sql, '\'');
}

static bool add_constant(struct buf *sql, const json_t *value)
{
	const char *type = text_of(get(value, "type"), "id");
	const json_t *data = get(value, "value");

	if (strcmp(type, "VARCHAR") == 0 && json_is_string(data)) {
		add_literal(sql, json_string_value(data));
		return true;
	}
	bool is_integer = strstr(type, "INT") && strcmp(type, "HUGEINT") != 0;
	if ((is_integer || strcmp(type, "DOUBLE") == 0) && json_is_number(data)) {
		buf_printf(sql, is_integer ? "(%.0f)" : "(%.17g)", json_number_value(data));
		return true;
	}
	/* 1.5 is 15 with one digit behind the point. */
	if (strcmp(type, "DECIMAL") == 0 && json_is_number(data)) {
		double scale =
			json_number_value(get(get(get(value, "type"), "type_info"), "scale"));
		buf_printf(sql, "(%.17g)", json_number_value(data) / pow(10, scale));
		return true;
	}
	return false;
}

static bool is_cast_type(const char *type)
{
	static const char *const types[] = {"TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "TIMESTAMP_S",
		"TIMESTAMP_MS", "TIMESTAMP_NS", "DATE", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR",
		"INTERVAL", "UINTEGER", "UBIGINT"};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* These walks are as deep as the tree, and DuckDB's parser and jansson bound that.
 * NOLINTBEGIN(misc-no-recursion) */

/* False: there is a column in it, or something that is not known to be harmless. */
static bool add_expression(struct buf *sql, const json_t *tree)
{
	if (sql->n > EXPRESSION_MAX)
		return false;
	if (text_is(tree, "class", "CONSTANT"))
		return add_constant(sql, get(tree, "value"));
	if (text_is(tree, "type", "OPERATOR_CAST") && !json_is_true(get(tree, "try_cast"))) {
		const char *type = text_of(get(tree, "cast_type"), "id");
		buf_add_text(sql, "CAST(");
		if (!is_cast_type(type) || !add_expression(sql, get(tree, "child")))
			return false;
		buf_printf(sql, " AS %s)", type);
		return true;
	}
	const char *name = text_of(tree, "function_name");
	const json_t *children = get(tree, "children");
	if (!text_is(tree, "class", "FUNCTION") || !is_known_function(name) ||
		json_is_true(get(tree, "distinct")) || !json_is_null(get(tree, "filter")))
		return false;
	buf_add_char(sql, '"');
	buf_add_text(sql, name);
	buf_add_text(sql, "\"(");
	for (size_t i = 0; i < json_array_size(children); i++) {
		buf_add_text(sql, i ? ", " : "");
		if (!add_expression(sql, json_array_get(children, i)))
			return false;
	}
	buf_add_char(sql, ')');
	return true;
}

/* ---- columns ---- */

enum column { COLUMN_NONE, COLUMN_END, COLUMN_START, COLUMN_ACCOUNT, COLUMN_REGION };

/* A column, and for times what was made of it: as a timestamp, cut to so many seconds. */
struct side {
	enum column column;
	bool is_timestamp;
	double cut_seconds;
};

static enum column column_named(const struct scope *scope, const json_t *names)
{
	size_t count = json_array_size(names);
	const char *column = json_string_value(json_array_get(names, count - 1));

	if (count == 0 || count > 2 || !column)
		return COLUMN_NONE;
	if (count == 1 && !scope->is_alone)
		return COLUMN_NONE;
	if (count == 2 && strcasecmp(json_string_value(json_array_get(names, 0)), scope->name) != 0)
		return COLUMN_NONE;
	switch (record_field_find_sql(str_from(column))) {
	case RECORD_END:
		return COLUMN_END;
	case RECORD_START:
		return COLUMN_START;
	case RECORD_ACCOUNT_ID:
		return COLUMN_ACCOUNT;
	case RECORD_REGION:
		return count == 1 && scope->is_nested ? COLUMN_NONE : COLUMN_REGION;
	default:
		return COLUMN_NONE;
	}
}

static double unit_seconds(const json_t *constant)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400},
		{"week", 7 * 86400}, {"month", 31 * 86400}, {"year", 366 * 86400}};
	const char *name = text_of(get(constant, "value"), "value");

	for (size_t i = 0; text_is(constant, "class", "CONSTANT") && i < ARRAY_SIZE(units); i++)
		if (strcasecmp(units[i].name, name) == 0)
			return units[i].seconds;
	return 0;
}

static struct side side_of(const struct scope *scope, const json_t *tree)
{
	struct side side = {COLUMN_NONE, false, 0};
	const json_t *children = get(tree, "children");

	if (text_is(tree, "class", "COLUMN_REF")) {
		side.column = column_named(scope, get(tree, "column_names"));
	} else if (text_is(tree, "function_name", "to_timestamp") &&
		   json_array_size(children) == 1) {
		side = side_of(scope, json_array_get(children, 0));
		side.is_timestamp = true;
		if (side.cut_seconds > 0)
			side.column = COLUMN_NONE;
	} else if (text_is(tree, "function_name", "date_trunc") && json_array_size(children) == 2) {
		side = side_of(scope, json_array_get(children, 1));
		double cut = unit_seconds(json_array_get(children, 0));
		if (!side.is_timestamp || cut == 0)
			side.column = COLUMN_NONE;
		side.cut_seconds += cut;
	} else if (text_is(tree, "type", "OPERATOR_CAST")) {
		const char *type = text_of(get(tree, "cast_type"), "id");
		side = side_of(scope, get(tree, "child"));
		if (side.is_timestamp && strcmp(type, "DATE") == 0)
			side.cut_seconds += 86400;
		else if (!side.is_timestamp || strncmp(type, "TIMESTAMP", 9) != 0)
			side.column = COLUMN_NONE;
	}
	return side;
}

/* ---- comparisons ---- */

static bool is_time(enum column column)
{
	return column == COLUMN_END || column == COLUMN_START;
}

/* The moment that a constant side stands for, as the column side compares it. */
static bool moment_of(const struct scope *scope, const struct side *side, const json_t *constant,
	struct prune_range *ret_moment)
{
	_cleanup_buf_ struct buf expression = {0}, sql = {0};
	double number, slack = 0;

	if (!add_expression(&expression, constant))
		return false;
	buf_printf(&sql,
		side->is_timestamp ? "epoch(TRY_CAST(%s AS TIMESTAMP WITH TIME ZONE))"
				   : "TRY_CAST(%s AS DOUBLE)",
		buf_text(&expression));
	if (!scope->evaluator->number(scope->evaluator->context, buf_text(&sql), &number) ||
		!isfinite(number))
		return false;
	if (strstr(buf_text(&expression), "now") || strstr(buf_text(&expression), "current") ||
		strstr(buf_text(&expression), "today"))
		slack = NOW_SECONDS;
	*ret_moment = (struct prune_range){number - slack, number + slack};
	return true;
}

static void restrict_time(struct prune *prune, const struct side *side, struct prune_range range)
{
	/* What was cut is at most so much later than what is left; days may have an hour more. */
	if (side->cut_seconds > 0)
		range.high += side->cut_seconds + (side->cut_seconds >= 86400 ? 3600 : 0);
	if (side->column == COLUMN_END)
		prune->cases[0].end = range;
	else
		prune->cases[0].start = range;
}

static void add_name(struct prune_names *names, const char *name)
{
	names->names = mem_grow(names->names, names->count + 1, sizeof(*names->names));
	names->names[names->count++] = mem_strdup(name);
}

/* column = one of count constants. */
static void read_equal(const struct scope *scope, const struct side *side,
	const json_t *const *constants, size_t count, struct prune *prune)
{
	struct prune_range range = {INFINITY, -INFINITY}, moment;
	struct prune_names names = {.is_set = true};
	bool is_known = count > 0 && count <= NAMES_MAX;

	for (size_t i = 0; is_known && i < count; i++) {
		_cleanup_buf_ struct buf sql = {0}, text = {0};
		if (is_time(side->column)) {
			is_known = moment_of(scope, side, constants[i], &moment);
			if (is_known)
				range = (struct prune_range){
					fmin(range.low, moment.low), fmax(range.high, moment.high)};
			continue;
		}
		is_known = add_expression(&sql, constants[i]) &&
			   scope->evaluator->text(scope->evaluator->context, buf_text(&sql), &text);
		/* "unknown" and the like may be in any object. */
		if (is_known && side->column == COLUMN_ACCOUNT)
			is_known = text.n == 12 && strspn(buf_text(&text), "0123456789") == 12;
		if (is_known)
			add_name(&names, buf_text(&text));
	}
	if (is_known && is_time(side->column)) {
		restrict_time(prune, side, range);
	} else if (is_known) {
		*(side->column == COLUMN_ACCOUNT ? &prune->cases[0].accounts
						 : &prune->cases[0].regions) = names;
		return;
	}
	for (size_t i = 0; i < names.count; i++)
		free(names.names[i]);
	free(names.names);
}

static void read_comparison(const struct scope *scope, const json_t *tree, struct prune *prune)
{
	const json_t *left = get(tree, "left"), *right = get(tree, "right");
	struct side side = side_of(scope, left);
	const char *type = text_of(tree, "type");
	struct prune_range moment;
	bool is_turned = side.column == COLUMN_NONE;

	if (is_turned) {
		side = side_of(scope, right);
		right = left;
	}
	if (side.column == COLUMN_NONE)
		return;
	if (strcmp(type, "COMPARE_EQUAL") == 0) {
		read_equal(scope, &side, &right, 1, prune);
		return;
	}
	bool is_less = strncmp(type, "COMPARE_LESSTHAN", 16) == 0;
	bool is_greater = strncmp(type, "COMPARE_GREATERTHAN", 19) == 0;
	if (!is_time(side.column) || is_less == is_greater ||
		!moment_of(scope, &side, right, &moment))
		return;
	/* Times in records are whole seconds: less than 10:00:00 is 9:59:59 at most. */
	bool is_strict = !strstr(type, "OREQUALTO") && side.cut_seconds == 0;
	if (is_turned ? is_greater : is_less)
		restrict_time(prune, &side,
			(struct prune_range){
				-INFINITY, is_strict ? ceil(moment.high) - 1 : moment.high});
	else
		restrict_time(prune, &side,
			(struct prune_range){
				is_strict ? floor(moment.low) + 1 : moment.low, INFINITY});
}

static void read_between(const struct scope *scope, const json_t *tree, struct prune *prune)
{
	struct side side = side_of(scope, get(tree, "input"));
	struct prune_range low, high;

	if (is_time(side.column) && moment_of(scope, &side, get(tree, "lower"), &low) &&
		moment_of(scope, &side, get(tree, "upper"), &high))
		restrict_time(prune, &side, (struct prune_range){low.low, high.high});
}

static void read_in(const struct scope *scope, const json_t *tree, struct prune *prune)
{
	const json_t *children = get(tree, "children");
	struct side side = side_of(scope, json_array_get(children, 0));
	size_t count = json_array_size(children);

	if (side.column == COLUMN_NONE || count < 2 || count > NAMES_MAX)
		return;
	_cleanup_free_ const json_t **constants = mem_new(count, sizeof(json_t *));
	for (size_t i = 1; i < count; i++)
		constants[i - 1] = json_array_get(children, i);
	read_equal(scope, &side, constants, count - 1, prune);
}

/* What a condition lets through. */
static void read_condition(const struct scope *scope, const json_t *tree, struct prune *ret_prune)
{
	const json_t *children = get(tree, "children");
	bool is_and = text_is(tree, "type", "CONJUNCTION_AND");

	prune_init(ret_prune);
	if (is_and || text_is(tree, "type", "CONJUNCTION_OR")) {
		for (size_t i = 0; i < json_array_size(children); i++) {
			struct prune one;
			read_condition(scope, json_array_get(children, i), &one);
			if (!is_and && i == 0) {
				prune_done(ret_prune);
				*ret_prune = one;
			} else if (is_and) {
				prune_and(ret_prune, &one);
			} else {
				prune_or(ret_prune, &one);
			}
		}
	} else if (text_is(tree, "class", "COMPARISON")) {
		read_comparison(scope, tree, ret_prune);
	} else if (text_is(tree, "class", "BETWEEN")) {
		read_between(scope, tree, ret_prune);
	} else if (text_is(tree, "type", "COMPARE_IN")) {
		read_in(scope, tree, ret_prune);
	}
}

/* ---- queries ---- */

/* The tables of one FROM clause; false: rows that are left out could change what others do. */
struct from {
	const char *name[TABLES_MAX]; /* of vpc_flow_logs */
	size_t count;
	size_t others;
	bool is_plain;
};

static void read_from(const json_t *tree, struct from *from)
{
	static const char *const joins[] = {"INNER", "LEFT", "RIGHT", "OUTER", "SEMI", "ANTI"};
	bool is_known = false;

	if (text_is(tree, "type", "BASE_TABLE") && text_is(tree, "table_name", REWRITE_TABLE)) {
		const char *alias = text_of(tree, "alias");
		from->is_plain = from->is_plain && json_is_null(get(tree, "sample")) &&
				 json_array_size(get(tree, "column_name_alias")) == 0 &&
				 from->count < TABLES_MAX;
		if (from->count < TABLES_MAX)
			from->name[from->count++] = *alias ? alias : REWRITE_TABLE;
	} else if (text_is(tree, "type", "JOIN")) {
		for (size_t i = 0; i < ARRAY_SIZE(joins); i++)
			is_known = is_known || text_is(tree, "join_type", joins[i]);
		from->is_plain = from->is_plain && is_known &&
				 (text_is(tree, "ref_type", "REGULAR") ||
					 text_is(tree, "ref_type", "CROSS") ||
					 text_is(tree, "ref_type", "NATURAL"));
		read_from(get(tree, "left"), from);
		read_from(get(tree, "right"), from);
	} else {
		from->others++;
	}
}

struct walk {
	const struct prune_evaluator *evaluator;
	struct prune prune;  /* either of all references */
	size_t tables, read; /* vpc_flow_logs in the tree, and in the FROM clauses looked at */
	bool is_everything;  /* something that cannot be told apart */
};

static void read_select(struct walk *walk, const json_t *node, bool is_nested)
{
	struct from from = {.is_plain = true};

	read_from(get(node, "from_table"), &from);
	if (from.count == 0)
		return;
	walk->read += from.count;
	const json_t *where = get(node, "where_clause");
	if (!from.is_plain || !json_is_object(where) || json_is_object(get(node, "sample"))) {
		walk->is_everything = true;
		return;
	}
	for (size_t i = 0; i < from.count; i++) {
		const struct scope scope = {.evaluator = walk->evaluator,
			.name = from.name[i],
			.is_alone = from.count == 1 && from.others == 0,
			.is_nested = is_nested};
		struct prune one;
		read_condition(&scope, where, &one);
		prune_or(&walk->prune, &one);
	}
}

static void walk_tree(struct walk *walk, const json_t *tree, bool is_nested)
{
	const char *key;
	const json_t *value;

	if (json_is_array(tree)) {
		for (size_t i = 0; i < json_array_size(tree); i++)
			walk_tree(walk, json_array_get(tree, i), is_nested);
		return;
	}
	if (!json_is_object(tree))
		return;
	const char *type = text_of(tree, "type");
	if (strcmp(type, "SELECT_NODE") == 0)
		read_select(walk, tree, is_nested);
	if (strcmp(type, "BASE_TABLE") == 0 && text_is(tree, "table_name", REWRITE_TABLE))
		walk->tables++;
	/* Functions that read a table by its name, and a WITH that has one of this name. */
	if (text_is(tree, "function_name", "query") ||
		text_is(tree, "function_name", "query_table") ||
		text_is(tree, "function_name", "nagare_flow_log_text") ||
		text_is(tree, "key", REWRITE_TABLE)) {
		walk->tables++;
		walk->is_everything = true;
	}
	bool is_inside = is_nested || strcmp(type, "SUBQUERY") == 0;
	json_object_foreach((json_t *)(uintptr_t)tree, key, value)
		walk_tree(walk, value, is_inside);
}
/* NOLINTEND(misc-no-recursion) */

void prune_read_tree(struct str tree, const struct prune_evaluator *evaluator,
	struct prune *ret_prune, bool *ret_mentions)
{
	/* places are 2^64-1 for generated nodes, which jansson takes only as a real */
	json_t *root = json_loadb(tree.p, tree.n, JSON_DECODE_INT_AS_REAL, NULL);
	struct walk walk = {.evaluator = evaluator};

	bool is_tree = root && !json_is_true(get(root, "error"));
	if (is_tree)
		walk_tree(&walk, root, false);
	json_decref(root);
	/* Also when a table stands where none was looked for (in PIVOT, say). */
	if (!is_tree || walk.is_everything || walk.tables != walk.read || walk.tables == 0) {
		prune_done(&walk.prune);
		prune_init(&walk.prune);
	}
	*ret_prune = walk.prune;
	*ret_mentions = !is_tree || walk.tables > 0;
}

/* ---- statements ---- */

static struct str rest_from(struct str statement, const char *p)
{
	return (struct str){p, (size_t)(statement.p + statement.n - p)};
}

static struct str brackets_of(struct str rest)
{
	const char *start = rest.p;
	struct sql_token token;
	unsigned depth = 1;

	while (depth && sql_token_next_significant(&rest, &token)) {
		if (sql_token_is_mark(&token, '('))
			depth++;
		else if (sql_token_is_mark(&token, ')'))
			depth--;
		if (depth == 0)
			return (struct str){start, (size_t)(token.text.p - start)};
	}
	return STR_NONE;
}

static struct str behind_as(struct str rest)
{
	struct sql_token token;

	while (sql_token_next_significant(&rest, &token))
		if (sql_token_is(&token, "AS"))
			return rest;
	return STR_NONE;
}

struct str prune_select_part(struct str statement)
{
	struct str rest = statement;
	struct sql_token token;

	while (sql_token_next_significant(&rest, &token)) {
		if (sql_token_is(&token, "EXPLAIN") || sql_token_is(&token, "ANALYZE"))
			continue;
		if (sql_token_is(&token, "SELECT") || sql_token_is(&token, "WITH") ||
			sql_token_is(&token, "FROM") || sql_token_is_mark(&token, '('))
			return rest_from(statement, token.text.p);
		if (sql_token_is(&token, "COPY"))
			return sql_token_next_significant(&rest, &token) &&
					       sql_token_is_mark(&token, '(')
				       ? brackets_of(rest)
				       : STR_NONE;
		while (sql_token_is(&token, "CREATE") || sql_token_is(&token, "OR") ||
			sql_token_is(&token, "REPLACE") || sql_token_is(&token, "TEMP") ||
			sql_token_is(&token, "TEMPORARY"))
			if (!sql_token_next_significant(&rest, &token))
				return STR_NONE;
		return sql_token_is(&token, "TABLE") ? behind_as(rest) : STR_NONE;
	}
	return STR_NONE;
}
