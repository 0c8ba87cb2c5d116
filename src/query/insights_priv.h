/* insights: what its files share. */
#pragma once

#include "query/insights.h"

enum insights_token {
	INSIGHTS_END,
	INSIGHTS_NAME,     /* bare or in backticks */
	INSIGHTS_STRING,   /* text: quotes and escapes undone */
	INSIGHTS_NUMBER,   /* digits, with a fraction or exponent */
	INSIGHTS_DURATION, /* 5m */
	INSIGHTS_REGEX,    /* text: between the slashes */
	INSIGHTS_SIGN,     /* text: one of | ( ) [ ] , = != < <= > >= + - * / % ^ =~ */
};

/* An expression as SQL. Strings live as long as the translation. */
struct insights_value {
	const char *sql;
	enum query_insights_type type;
	bool is_aggregate, is_integer;
	bool is_literal; /* a string in quotes */
	struct str text; /* of a literal */
};

/* What a name means behind the command that was translated last. */
struct insights_name {
	struct str name;
	const char *sql;
	enum query_insights_type type;
	bool is_integer;
	bool is_hidden; /* "@ptr" and the like: not shown by `display *` */
};

#define INSIGHTS_NAMES_MAX 1000
#define INSIGHTS_DEPTH_MAX 100
#define INSIGHTS_SQL_MAX   (4u << 20) /* bytes of all pieces of SQL */

struct insights {
	const struct query_insights_source *source;
	struct str text;
	size_t at;       /* behind the token */
	size_t token_at; /* where it begins */
	size_t ended_at; /* where the token before it ended */
	enum insights_token token;
	bool is_quoted; /* a name in backticks */
	struct str token_text;
	struct err *err;

	char **pieces; /* all memory of the translation */
	size_t pieces_count, pieces_bytes;
	bool is_too_large;
	unsigned depth;

	struct insights_name *names;
	size_t names_count;
	bool allows_aggregates; /* in stats */
	bool has_events;        /* rows are still events */
	unsigned columns;       /* made so far, for their names */
};

/* ---- insights_lex.c ---- */
/* The next token. A slash begins a regular expression where allow_regex. */
int insights_next(struct insights *insights, bool allow_regex);
bool insights_is_sign(const struct insights *insights, const char *sign);
/* A bare name, any case. */
bool insights_is_word(const struct insights *insights, const char *word);
/* Takes it when it is there; -1 only for an error of the token behind it. */
int insights_take_sign(struct insights *insights, const char *sign, bool *ret_taken);
int insights_expect_sign(struct insights *insights, const char *sign);
/* "line 1, column 9: expected ..., found ..." */
int insights_fail(struct insights *insights, const char *expected);
int insights_fail_at(struct insights *insights, size_t place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Memory that lives until the end of the translation. */
const char *insights_printf(struct insights *insights, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
struct str insights_keep(struct insights *insights, struct str text);
/* As a literal of SQL. */
const char *insights_literal(struct insights *insights, struct str text);

/* ---- insights_value.c ---- */
int insights_expression(struct insights *insights, struct insights_value *ret_value);
/* The value as what is asked for. */
const char *insights_as_number(struct insights *insights, const struct insights_value *value);
const char *insights_as_text(struct insights *insights, const struct insights_value *value);
const char *insights_as_truth(struct insights *insights, const struct insights_value *value);
/* A name where only a field can stand; unknown ones are looked for in the message. */
void insights_field(struct insights *insights, struct str name, struct insights_value *ret_value);
const struct insights_name *insights_find(const struct insights *insights, struct str name);
/* "5m": the multiple that a time is rounded down to, in SQL; ceil: up. */
int insights_round(struct insights *insights, const char *time, struct str duration, bool is_ceil,
	const char **ret_sql);
/* ---- insights_call.c ---- */
/* Behind the name of a function, at '('. at is where the name begins. */
int insights_call(
	struct insights *insights, struct str name, size_t at, struct insights_value *ret_value);
/* (?<name> to (?P<name>, and names and number of its groups. */
const char *insights_regex(
	struct insights *insights, struct str text, struct str *ret_names, size_t *ret_groups);
#define INSIGHTS_GROUPS_MAX 64
