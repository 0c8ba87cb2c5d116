/* DuckDB's messages are made for its own shell: a kind ("Binder Error: "), a sentence, candidates
 * in lines of their own, and a drawing of the statement with a caret. The sentence is kept as the
 * message, the candidates as the hint; the drawing goes, for it shows the text as it was rewritten.
 */
#include "query/session_priv.h"

#include "query/rewrite_priv.h"

#include <ctype.h>
#include <stdio.h>

static enum err_code code_of(duckdb_error_type type, const char *message)
{
	if (strstr(message, "Permission denied"))
		return ERR_PERMISSION;
	switch (type) {
	case DUCKDB_ERROR_IO:
		if (strstr(message, "No files found") || strstr(message, "No such file"))
			return ERR_NOT_FOUND;
		return ERR_SYSTEM;
	case DUCKDB_ERROR_OUT_OF_MEMORY:
	case DUCKDB_ERROR_INTERNAL:
	case DUCKDB_ERROR_FATAL:
	case DUCKDB_ERROR_HTTP:
	case DUCKDB_ERROR_NETWORK:
	case DUCKDB_ERROR_INTERRUPT:
		return ERR_SYSTEM;
	case DUCKDB_ERROR_INVALID_INPUT:
	case DUCKDB_ERROR_SERIALIZATION:
		return strstr(message, " file '") || strstr(message, "arquet") ? ERR_INPUT
									       : ERR_USAGE;
	default:
		return ERR_USAGE;
	}
}

/* "Binder Error: " and the like. */
static const char *without_kind(const char *message)
{
	const char *error = strstr(message, "Error: ");

	return error && error - message < 40 ? error + 7 : message;
}

/* The part before DuckDB's drawing, and before a stack trace. */
static size_t useful_length(const char *message)
{
	static const char *const ends[] = {"\n\nLINE ", "\nLINE ", "\n\nStack Trace"};
	size_t n = strlen(message);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *end = strstr(message, ends[i]);
		if (end && (size_t)(end - message) < n)
			n = (size_t)(end - message);
	}
	while (n > 0 && isspace((unsigned char)message[n - 1]))
		n--;
	return n;
}

/* Lines joined into one, runs of spaces into one space. */
static void join_lines(struct buf *buf, struct str text)
{
	bool space = false;

	for (size_t i = 0; i < text.n; i++) {
		if (isspace((unsigned char)text.p[i])) {
			space = buf->n > 0;
			continue;
		}
		if (space)
			buf_add_char(buf, ' ');
		space = false;
		buf_add_char(buf, text.p[i]);
	}
}

/* The identifier in the first "..." of the sentence. */
static struct str first_quoted(struct str sentence)
{
	const char *open = memchr(sentence.p, '"', sentence.n);

	if (!open)
		return STR_NONE;
	size_t left = sentence.n - (size_t)(open + 1 - sentence.p);
	const char *close = memchr(open + 1, '"', left);
	return close ? (struct str){open + 1, (size_t)(close - open - 1)} : STR_NONE;
}

/* What to do next, where we know better than DuckDB. */
static bool own_hint(const struct query_session *session, duckdb_error_type type,
	struct str sentence, struct err *err)
{
	struct str name = first_quoted(sentence);

	if (type == DUCKDB_ERROR_CATALOG && str_starts_with(sentence, STR("Table with name"))) {
		err_hint(err, "the flow logs are the table " REWRITE_TABLE);
		return true;
	}
	if (type == DUCKDB_ERROR_OUT_OF_MEMORY) {
		err_hint(err, "--memory-limit allows more");
		return true;
	}
	int field = name.n ? record_field_find_sql(name) : -1;
	if (type == DUCKDB_ERROR_BINDER && field >= 0 &&
		str_starts_with(sentence, STR("Referenced column"))) {
		struct str column = record_fields[field].sql_name;
		if (query_columns_find(session, name) >= 0) {
			if (str_equal_ignoring_case(name, column))
				return false;
			err_hint(err,
				"older names stand for columns of " REWRITE_TABLE
				" itself, not of subqueries: name it %.*s here",
				STR_ARG(column));
			return true;
		}
		err_hint(err,
			"no flow log read here has the field ${%s}; DESCRIBE " REWRITE_TABLE
			" lists the columns",
			record_fields[field].name.p);
		return true;
	}
	return false;
}

int query_message(
	struct query_session *session, duckdb_error_type type, const char *message, struct err *err)
{
	_cleanup_buf_ struct buf sentence = {0};
	_cleanup_buf_ struct buf rest = {0};

	pthread_mutex_lock(&session->lock);
	struct err failure = session->failure;
	pthread_mutex_unlock(&session->lock);
	if (failure.code != ERR_NONE) {
		if (err)
			*err = failure;
		return -1;
	}
	const char *text = without_kind(message ? message : "DuckDB failed without a word");
	size_t n = useful_length(text);
	const char *line_end = memchr(text, '\n', n);
	size_t first = line_end ? (size_t)(line_end - text) : n;
	join_lines(&sentence, (struct str){text, first});
	if (line_end)
		join_lines(&rest, (struct str){line_end, n - first});
	while (sentence.n && sentence.p[sentence.n - 1] == '!')
		sentence.n--;
	enum err_code code = code_of(type, text);
	err_set(err, code, "%s%s", code == ERR_USAGE ? "SQL: " : "", buf_text(&sentence));
	if (!own_hint(session, type, buf_str(&sentence), err) && rest.n)
		err_hint(err, "%s", buf_text(&rest));
	return -1;
}
