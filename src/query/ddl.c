#include "query/ddl_priv.h"

#include <ctype.h>

static const struct {
	const char *type, *substatement;
} kinds[DDL_KINDS] = {
	[DDL_SELECT] = {"DML", "SELECT"},
	[DDL_EXPLAIN] = {"DML", "EXPLAIN"},
	[DDL_CREATE_TABLE] = {"DDL", "CREATE_TABLE"},
	[DDL_CREATE_TABLE_AS] = {"DDL", "CREATE_TABLE_AS_SELECT"},
	[DDL_INSERT] = {"DML", "INSERT"},
	[DDL_UNLOAD] = {"DML", "UNLOAD"},
	[DDL_CREATE_DATABASE] = {"DDL", "CREATE_DATABASE"},
	[DDL_DROP_DATABASE] = {"DDL", "DROP_DATABASE"},
	[DDL_DROP_TABLE] = {"DDL", "DROP_TABLE"},
	[DDL_CREATE_VIEW] = {"DDL", "CREATE_VIEW"},
	[DDL_DROP_VIEW] = {"DDL", "DROP_VIEW"},
	[DDL_ADD_PARTITION] = {"DDL", "ALTER_TABLE_ADD_PARTITION"},
	[DDL_DROP_PARTITION] = {"DDL", "ALTER_TABLE_DROP_PARTITION"},
	[DDL_SET_LOCATION] = {"DDL", "ALTER_TABLE_SET_LOCATION"},
	[DDL_SET_PROPERTIES] = {"DDL", "ALTER_TABLE_PROPERTIES"},
	[DDL_ADD_COLUMNS] = {"DDL", "ALTER_TABLE_ADD_COLUMN"},
	[DDL_REPLACE_COLUMNS] = {"DDL", "ALTER_TABLE_REPLACE_COLUMN"},
	[DDL_REPAIR] = {"UTILITY", "MSCK_REPAIR"},
	[DDL_SHOW_DATABASES] = {"UTILITY", "SHOW_DATABASES"},
	[DDL_SHOW_TABLES] = {"UTILITY", "SHOW_TABLES"},
	[DDL_SHOW_VIEWS] = {"UTILITY", "SHOW_VIEWS"},
	[DDL_SHOW_PARTITIONS] = {"UTILITY", "SHOW_PARTITIONS"},
	[DDL_SHOW_COLUMNS] = {"UTILITY", "SHOW_COLUMNS"},
	[DDL_SHOW_CREATE_TABLE] = {"UTILITY", "SHOW_CREATE_TABLE"},
	[DDL_SHOW_CREATE_VIEW] = {"UTILITY", "SHOW_CREATE_VIEW"},
	[DDL_SHOW_PROPERTIES] = {"UTILITY", "SHOW_TBLPROPERTIES"},
	[DDL_DESCRIBE] = {"UTILITY", "DESCRIBE_TABLE"},
	[DDL_PREPARE] = {"UTILITY", "PREPARE"},
	[DDL_EXECUTE] = {"DML", "EXECUTE"},
	[DDL_DEALLOCATE] = {"UTILITY", "DEALLOCATE"},
};

const char *ddl_type(enum ddl_kind kind)
{
	return kinds[kind].type;
}

const char *ddl_substatement(enum ddl_kind kind)
{
	return kinds[kind].substatement;
}

static int finish(struct ddl_parser *parser, enum ddl_kind kind)
{
	parser->ddl->kind = kind;
	return parser->tokens[parser->at].kind == DDL_END ? 0 : ddl_fail(parser, "<EOF>");
}

/* All that is left is a SELECT. */
static int finish_query(struct ddl_parser *parser, enum ddl_kind kind)
{
	const char *start = parser->tokens[parser->at].text.p;

	if (parser->tokens[parser->at].kind == DDL_END)
		return ddl_fail(parser, "'SELECT', 'WITH', 'VALUES', '('");
	parser->ddl->kind = kind;
	parser->ddl->query = (struct str){start, (size_t)(parser->text.p + parser->text.n - start)};
	return 0;
}

static void accept_if(struct ddl_parser *parser, bool negated)
{
	if (!ddl_is(parser, 0, "IF") || !ddl_is(parser, negated ? 2 : 1, "EXISTS") ||
		(negated && !ddl_is(parser, 1, "NOT")))
		return;
	parser->at += negated ? 3 : 2;
	parser->ddl->if_exists = true;
}

/* ---- CREATE, DROP ---- */

static int create_database(struct ddl_parser *parser)
{
	json_t *database = json_object(), *parameters = NULL;

	parser->ddl->what = database;
	accept_if(parser, true);
	if (ddl_name(parser, &parser->ddl->name) < 0)
		return -1;
	json_object_set_new(database, "Name", json_string(parser->ddl->name));
	while (ddl_is(parser, 0, "COMMENT") || ddl_is(parser, 0, "LOCATION")) {
		_cleanup_buf_ struct buf text = {0};
		const char *member = ddl_is(parser, 0, "COMMENT") ? "Description" : "LocationUri";
		parser->at++;
		if (ddl_string(parser, &text) < 0)
			return -1;
		json_object_set_new(database, member, json_stringn(text.n ? text.p : "", text.n));
	}
	if (ddl_accept_two(parser, "WITH", "DBPROPERTIES")) {
		int r = ddl_properties(parser, &parameters);
		json_object_set_new(database, "Parameters", parameters);
		if (r < 0)
			return -1;
	}
	return finish(parser, DDL_CREATE_DATABASE);
}

/* ... [WITH [NO] DATA] */
static int finish_table_as(struct ddl_parser *parser)
{
	struct ddl *ddl = parser->ddl;
	size_t start = parser->at;

	if (finish_query(parser, DDL_CREATE_TABLE_AS) < 0)
		return -1;
	while (parser->tokens[parser->at].kind != DDL_END)
		parser->at++;
	size_t left = parser->at - start;
	size_t words = 0;
	if (left > 2 && ddl_was(parser, 2, "WITH") && ddl_was(parser, 1, "DATA"))
		words = 2;
	else if (left > 3 && ddl_was(parser, 3, "WITH") && ddl_was(parser, 2, "NO") &&
		 ddl_was(parser, 1, "DATA"))
		words = 3;
	ddl->without_data = words == 3;
	if (words)
		ddl->query.n = (size_t)(parser->tokens[parser->at - words].text.p - ddl->query.p);
	return 0;
}

static int create_table(struct ddl_parser *parser, bool external)
{
	accept_if(parser, true);
	if (ddl_qualified(parser) < 0)
		return -1;
	if (!external && ddl_is(parser, 0, "WITH")) {
		parser->at++;
		if (ddl_properties(parser, &parser->ddl->what) < 0 || ddl_expect(parser, "AS") < 0)
			return -1;
		return finish_table_as(parser);
	}
	if (!external && ddl_accept(parser, "AS")) {
		parser->ddl->what = json_object();
		return finish_table_as(parser);
	}
	parser->ddl->kind = DDL_CREATE_TABLE;
	return ddl_create_table(parser);
}

static int create(struct ddl_parser *parser)
{
	if (ddl_accept(parser, "DATABASE") || ddl_accept(parser, "SCHEMA"))
		return create_database(parser);
	if (ddl_accept_two(parser, "EXTERNAL", "TABLE"))
		return create_table(parser, true);
	if (ddl_accept(parser, "TABLE"))
		return create_table(parser, false);
	parser->ddl->if_exists = ddl_accept_two(parser, "OR", "REPLACE");
	if (!ddl_accept(parser, "VIEW"))
		return ddl_fail(parser, "'DATABASE', 'EXTERNAL', 'OR', 'SCHEMA', 'TABLE', 'VIEW'");
	if (ddl_qualified(parser) < 0 || ddl_expect(parser, "AS") < 0)
		return -1;
	return finish_query(parser, DDL_CREATE_VIEW);
}

static int drop(struct ddl_parser *parser)
{
	if (ddl_accept(parser, "DATABASE") || ddl_accept(parser, "SCHEMA")) {
		accept_if(parser, false);
		if (ddl_name(parser, &parser->ddl->name) < 0)
			return -1;
		parser->ddl->cascade = ddl_accept(parser, "CASCADE");
		ddl_accept(parser, "RESTRICT");
		return finish(parser, DDL_DROP_DATABASE);
	}
	bool view = ddl_accept(parser, "VIEW");
	if (!view && !ddl_accept(parser, "TABLE"))
		return ddl_fail(parser, "'DATABASE', 'SCHEMA', 'TABLE', 'VIEW'");
	accept_if(parser, false);
	if (ddl_qualified(parser) < 0)
		return -1;
	return finish(parser, view ? DDL_DROP_VIEW : DDL_DROP_TABLE);
}

/* ---- ALTER ---- */

/* PARTITION (key = value, ...) */
static int partition(struct ddl_parser *parser, json_t **ret_partition)
{
	json_t *keys = NULL;

	if (ddl_expect(parser, "PARTITION") < 0)
		return -1;
	int r = ddl_properties(parser, &keys);
	*ret_partition = json_pack("{s:o}", "Keys", keys);
	return r;
}

static int set_location(struct ddl_parser *parser, json_t *object)
{
	_cleanup_buf_ struct buf text = {0};

	if (ddl_string(parser, &text) < 0)
		return -1;
	json_object_set_new(object, "Location", json_stringn(text.n ? text.p : "", text.n));
	return 0;
}

static int add_partitions(struct ddl_parser *parser)
{
	json_t *list = parser->ddl->what = json_array();

	accept_if(parser, true);
	do {
		json_t *one = NULL;
		int r = partition(parser, &one);
		if (one)
			json_array_append_new(list, one);
		if (r < 0)
			return -1;
		if (ddl_accept(parser, "LOCATION") && set_location(parser, one) < 0)
			return -1;
	} while (ddl_is(parser, 0, "PARTITION"));
	return finish(parser, DDL_ADD_PARTITION);
}

static int drop_partitions(struct ddl_parser *parser)
{
	json_t *list = parser->ddl->what = json_array();

	accept_if(parser, false);
	do {
		json_t *one = NULL;
		int r = partition(parser, &one);
		if (one)
			json_array_append_new(list, one);
		if (r < 0)
			return -1;
	} while (ddl_accept(parser, ","));
	return finish(parser, DDL_DROP_PARTITION);
}

static int alter(struct ddl_parser *parser)
{
	struct ddl *ddl = parser->ddl;

	if (ddl_expect(parser, "TABLE") < 0 || ddl_qualified(parser) < 0)
		return -1;
	if (ddl_accept_two(parser, "ADD", "COLUMNS"))
		return ddl_columns(parser, &ddl->what) < 0 ? -1 : finish(parser, DDL_ADD_COLUMNS);
	if (ddl_accept_two(parser, "REPLACE", "COLUMNS"))
		return ddl_columns(parser, &ddl->what) < 0 ? -1
							   : finish(parser, DDL_REPLACE_COLUMNS);
	if (ddl_accept(parser, "ADD"))
		return add_partitions(parser);
	if (ddl_accept(parser, "DROP"))
		return drop_partitions(parser);
	if (ddl_accept_two(parser, "SET", "TBLPROPERTIES"))
		return ddl_properties(parser, &ddl->what) < 0 ? -1
							      : finish(parser, DDL_SET_PROPERTIES);
	if (ddl_is(parser, 0, "PARTITION")) {
		if (partition(parser, &ddl->what) < 0)
			return -1;
	} else {
		ddl->what = json_object();
	}
	if (!ddl_accept_two(parser, "SET", "LOCATION"))
		return ddl_fail(parser, "'ADD', 'DROP', 'PARTITION', 'REPLACE', 'SET'");
	return set_location(parser, ddl->what) < 0 ? -1 : finish(parser, DDL_SET_LOCATION);
}

/* ---- SHOW, DESCRIBE ---- */

static int show_pattern(struct ddl_parser *parser, enum ddl_kind kind)
{
	_cleanup_buf_ struct buf pattern = {0};

	parser->ddl->what = json_object();
	if (kind != DDL_SHOW_DATABASES &&
		(ddl_accept(parser, "IN") || ddl_accept(parser, "FROM")) &&
		ddl_name(parser, &parser->ddl->database) < 0)
		return -1;
	ddl_accept(parser, "LIKE");
	if (parser->tokens[parser->at].kind == DDL_STRING) {
		if (ddl_string(parser, &pattern) < 0)
			return -1;
		json_object_set_new(parser->ddl->what, "Pattern",
			json_stringn(pattern.n ? pattern.p : "", pattern.n));
	}
	return finish(parser, kind);
}

static int show_columns(struct ddl_parser *parser)
{
	if (!ddl_accept(parser, "IN") && !ddl_accept(parser, "FROM"))
		return ddl_fail(parser, "'FROM', 'IN'");
	if (ddl_qualified(parser) < 0)
		return -1;
	if ((ddl_accept(parser, "IN") || ddl_accept(parser, "FROM")) &&
		ddl_name(parser, &parser->ddl->database) < 0)
		return -1;
	return finish(parser, DDL_SHOW_COLUMNS);
}

static int show(struct ddl_parser *parser)
{
	if (ddl_accept(parser, "DATABASES") || ddl_accept(parser, "SCHEMAS"))
		return show_pattern(parser, DDL_SHOW_DATABASES);
	if (ddl_accept(parser, "TABLES"))
		return show_pattern(parser, DDL_SHOW_TABLES);
	if (ddl_accept(parser, "VIEWS"))
		return show_pattern(parser, DDL_SHOW_VIEWS);
	if (ddl_accept(parser, "COLUMNS"))
		return show_columns(parser);
	if (ddl_accept(parser, "PARTITIONS"))
		return ddl_qualified(parser) < 0 ? -1 : finish(parser, DDL_SHOW_PARTITIONS);
	if (ddl_accept_two(parser, "CREATE", "TABLE"))
		return ddl_qualified(parser) < 0 ? -1 : finish(parser, DDL_SHOW_CREATE_TABLE);
	if (ddl_accept_two(parser, "CREATE", "VIEW"))
		return ddl_qualified(parser) < 0 ? -1 : finish(parser, DDL_SHOW_CREATE_VIEW);
	if (!ddl_accept(parser, "TBLPROPERTIES"))
		return ddl_fail(parser, "'COLUMNS', 'CREATE', 'DATABASES', 'PARTITIONS', "
					"'SCHEMAS', 'TABLES', 'TBLPROPERTIES', 'VIEWS'");
	_cleanup_buf_ struct buf key = {0};
	parser->ddl->what = json_object();
	if (ddl_qualified(parser) < 0)
		return -1;
	if (ddl_accept(parser, "(")) {
		if (ddl_string(parser, &key) < 0 || ddl_expect(parser, ")") < 0)
			return -1;
		json_object_set_new(
			parser->ddl->what, "Key", json_stringn(key.n ? key.p : "", key.n));
	}
	return finish(parser, DDL_SHOW_PROPERTIES);
}

static int describe(struct ddl_parser *parser)
{
	parser->ddl->extended = ddl_accept(parser, "EXTENDED");
	parser->ddl->formatted = ddl_accept(parser, "FORMATTED");
	if (ddl_is(parser, 0, "VIEW") && parser->tokens[parser->at + 1].kind != DDL_END)
		parser->at++;
	return ddl_qualified(parser) < 0 ? -1 : finish(parser, DDL_DESCRIBE);
}

/* ---- with a SELECT inside ---- */

static int insert(struct ddl_parser *parser)
{
	json_t *names = parser->ddl->what = json_array();

	if (ddl_expect(parser, "INTO") < 0 || ddl_qualified(parser) < 0)
		return -1;
	if (ddl_is(parser, 0, "(") && !ddl_is(parser, 1, "SELECT") && !ddl_is(parser, 1, "WITH")) {
		parser->at++;
		do {
			_cleanup_free_ char *name = NULL;
			if (ddl_name(parser, &name) < 0)
				return -1;
			json_array_append_new(names, json_string(name));
		} while (ddl_accept(parser, ","));
		if (ddl_expect(parser, ")") < 0)
			return -1;
	}
	return finish_query(parser, DDL_INSERT);
}

static int unload(struct ddl_parser *parser)
{
	_cleanup_buf_ struct buf to = {0};
	size_t depth = 1;

	if (ddl_expect(parser, "(") < 0)
		return -1;
	const char *start = parser->tokens[parser->at].text.p;
	for (;; parser->at++) {
		if (parser->tokens[parser->at].kind == DDL_END)
			return ddl_fail(parser, "')'");
		depth += ddl_is(parser, 0, "(");
		depth -= ddl_is(parser, 0, ")");
		if (depth == 0)
			break;
	}
	parser->ddl->query =
		(struct str){start, (size_t)(parser->tokens[parser->at].text.p - start)};
	parser->at++;
	if (ddl_expect(parser, "TO") < 0 || ddl_string(parser, &to) < 0 ||
		ddl_expect(parser, "WITH") < 0 || ddl_properties(parser, &parser->ddl->what) < 0)
		return -1;
	json_object_set_new(parser->ddl->what, "to", json_stringn(to.n ? to.p : "", to.n));
	return finish(parser, DDL_UNLOAD);
}

static int explain(struct ddl_parser *parser)
{
	json_t *options = parser->ddl->what = json_object();

	if (ddl_accept(parser, "ANALYZE"))
		json_object_set_new(options, "ANALYZE", json_true());
	if (ddl_is(parser, 0, "(") && (ddl_is(parser, 1, "FORMAT") || ddl_is(parser, 1, "TYPE"))) {
		parser->at++;
		do {
			_cleanup_free_ char *option = NULL, *value = NULL;
			if (ddl_name(parser, &option) < 0 || ddl_name(parser, &value) < 0)
				return -1;
			json_object_set_new(options, option, json_string(value));
		} while (ddl_accept(parser, ","));
		if (ddl_expect(parser, ")") < 0)
			return -1;
	}
	ddl_accept(parser, "VERBOSE");
	return finish_query(parser, DDL_EXPLAIN);
}

/* USING expression, ...: each is text up to a comma outside of brackets. */
static int execute(struct ddl_parser *parser)
{
	json_t *list = parser->ddl->what = json_array();
	int depth = 0;

	if (ddl_name(parser, &parser->ddl->name) < 0)
		return -1;
	if (!ddl_accept(parser, "USING"))
		return finish(parser, DDL_EXECUTE);
	const char *start = parser->tokens[parser->at].text.p;
	for (;; parser->at++) {
		const struct ddl_token *token = &parser->tokens[parser->at];
		bool ends = token->kind == DDL_END || (depth == 0 && ddl_is(parser, 0, ","));
		depth += ddl_is(parser, 0, "(");
		depth -= ddl_is(parser, 0, ")");
		if (!ends)
			continue;
		struct str text = str_trim((struct str){start, (size_t)(token->text.p - start)});
		if (!text.n)
			return ddl_fail(parser, "<expression>");
		json_array_append_new(list, json_stringn(text.p, text.n));
		if (token->kind == DDL_END)
			return finish(parser, DDL_EXECUTE);
		start = token->text.p + 1;
	}
}

static int statement(struct ddl_parser *parser)
{
	static const char *const queries[] = {"SELECT", "WITH", "VALUES", "TABLE", "("};

	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		if (ddl_is(parser, 0, queries[i]))
			return finish_query(parser, DDL_SELECT);
	}
	if (ddl_accept(parser, "CREATE"))
		return create(parser);
	if (ddl_accept(parser, "DROP"))
		return drop(parser);
	if (ddl_accept(parser, "ALTER"))
		return alter(parser);
	if (ddl_accept(parser, "SHOW"))
		return show(parser);
	if (ddl_accept(parser, "DESCRIBE") || ddl_accept(parser, "DESC"))
		return describe(parser);
	if (ddl_accept(parser, "INSERT"))
		return insert(parser);
	if (ddl_accept(parser, "UNLOAD"))
		return unload(parser);
	if (ddl_accept(parser, "EXPLAIN"))
		return explain(parser);
	if (ddl_accept(parser, "EXECUTE"))
		return execute(parser);
	if (ddl_accept_two(parser, "MSCK", "REPAIR"))
		return ddl_expect(parser, "TABLE") < 0 || ddl_qualified(parser) < 0
			       ? -1
			       : finish(parser, DDL_REPAIR);
	if (ddl_accept(parser, "PREPARE"))
		return ddl_name(parser, &parser->ddl->name) < 0 || ddl_expect(parser, "FROM") < 0
			       ? -1
			       : finish_query(parser, DDL_PREPARE);
	if (ddl_accept_two(parser, "DEALLOCATE", "PREPARE"))
		return ddl_name(parser, &parser->ddl->name) < 0 ? -1
								: finish(parser, DDL_DEALLOCATE);
	return ddl_fail(parser, "'(', 'ALTER', 'CREATE', 'DEALLOCATE', 'DESCRIBE', 'DROP', "
				"'EXECUTE', 'EXPLAIN', 'INSERT', 'MSCK', 'PREPARE', 'SELECT', "
				"'SHOW', 'TABLE', 'UNLOAD', 'VALUES', 'WITH'");
}

/* The statement's end: a ';' that nothing follows. */
static void cut(struct ddl_parser *parser)
{
	size_t count = 0;

	while (parser->tokens[count].kind != DDL_END)
		count++;
	if (count > 0 && parser->tokens[count - 1].kind == DDL_MARK &&
		parser->tokens[count - 1].text.p[0] == ';')
		count--;
	parser->text.n = (size_t)(parser->tokens[count].text.p - parser->text.p);
	parser->tokens[count] =
		(struct ddl_token){.kind = DDL_END, .text = {parser->tokens[count].text.p, 0}};
}

int ddl_parse(struct str text, struct ddl *ret_ddl, struct err *err)
{
	struct ddl_parser parser = {.text = text, .ddl = ret_ddl, .err = err};

	*ret_ddl = (struct ddl){.kind = DDL_SELECT};
	int r = ddl_read_tokens(&parser);
	if (r == 0) {
		cut(&parser);
		ret_ddl->text = parser.text;
		r = statement(&parser);
	}
	free(parser.tokens);
	if (r < 0)
		ddl_done(ret_ddl);
	return r;
}

void ddl_done(struct ddl *ddl)
{
	free(ddl->database);
	free(ddl->name);
	json_decref(ddl->what);
	*ddl = (struct ddl){.kind = DDL_SELECT};
}
