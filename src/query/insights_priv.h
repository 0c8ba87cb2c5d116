/* insights: what its files share. */
#pragma once

#include "query/insights.h"

#include <stdlib.h>
#include <string.h>

enum insights_token {
	INSIGHTS_END,
	INSIGHTS_NAME,     /* bare or in backticks */
	INSIGHTS_STRING,   /* text: quotes and escapes undone */
	INSIGHTS_NUMBER,   /* digits, with a fraction or exponent */
	INSIGHTS_DURATION, /* 5m */
	INSIGHTS_REGEX,    /* text: between the slashes */
	INSIGHTS_SIGN,     /* text: one of | ( ) [ ] { } , : . = != < <= > >= + - * / % ^ =~ ! */
};

/* An expression as SQL. Strings live as long as the translation. */
struct insights_value {
	const char *sql;
	enum query_insights_type type;
	bool is_aggregate, is_integer;
	bool is_structure;    /* a map or list as JSON: no text and no number to functions */
	bool is_literal;      /* a string in quotes */
	int64_t bin_ms;       /* of times: they are multiples of it; 0: not known */
	const char *bin_time; /* of which */
	struct str text;      /* of a literal */
};

/* What a name means behind the command that was translated last. */
struct insights_name {
	struct str name;
	const char *sql;
	enum query_insights_type type;
	bool is_integer, is_structure;
	bool is_key; /* of stats */
	int64_t bin_ms;
};

#define INSIGHTS_NAMES_MAX 1000
#define INSIGHTS_DEPTH_MAX 100
#define INSIGHTS_SQL_MAX   (4u << 20) /* bytes of all pieces of SQL */

struct translation;

struct insights {
	struct translation *translation;
	const struct query_insights_source *source;
	struct str text;
	size_t at;       /* behind the token */
	size_t token_at; /* where it begins */
	size_t ended_at; /* where the token before it ended */
	enum insights_token token;
	bool is_quoted; /* a name in backticks */
	struct str token_text;
	struct err *err;
	size_t error_start, error_end;

	char **pieces; /* all memory of the translation */
	size_t pieces_count, pieces_bytes;
	bool is_too_large;
	unsigned depth;

	struct insights_name *names;
	size_t names_count;
	bool allows_aggregates; /* in stats */
	/* The results before, in stats: names for them outside of aggregates. */
	const struct insights_name *results;
	size_t results_count;
	bool has_events;        /* rows are still events */
	unsigned columns;       /* made so far, for their names */
	struct str left, right; /* of join: what names of events of either side begin with */
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

/* ---- insights_names.c ---- */
/* Unknown names are looked for in the message. */
void insights_field(struct insights *insights, struct str name, struct insights_value *ret_value);
/* "a.b.0" of a text of JSON. */
void insights_json_field(struct insights *insights, const char *json, struct str name,
	struct insights_value *ret_value);
void insights_message_field(struct insights *insights, const char *message, struct str name,
	struct insights_value *ret_value);
const struct insights_name *insights_find(const struct insights *insights, struct str name);

/* ---- insights_value.c ---- */
int insights_expression(struct insights *insights, struct insights_value *ret_value);
/* The value as what is asked for. */
const char *insights_as_number(struct insights *insights, const struct insights_value *value);
const char *insights_as_text(struct insights *insights, const struct insights_value *value);
const char *insights_as_truth(struct insights *insights, const struct insights_value *value);

/* ---- insights_time.c ---- */
bool insights_is_time_call(struct str name);
/* At '(', to behind ')'. */
int insights_time_call(
	struct insights *insights, struct str name, struct insights_value *ret_value);
/* The value's bins begin so much later. */
void insights_shift_bins(struct insights *insights, struct insights_value *value, int64_t ms);
int insights_duration(
	struct insights *insights, struct str text, int64_t *ret_ms, const char **ret_calendar);

/* ---- insights_call.c ---- */
/* Behind the name of a function, at '('. at is where the name begins. */
int insights_call(
	struct insights *insights, struct str name, size_t at, struct insights_value *ret_value);

/* ---- a query, command after command ---- */

#define INSIGHTS_GROUPS_MAX 64
#define INSIGHTS_KEYS_MAX   100

struct translation {
	struct insights insights;
	struct query_insights *result;
	struct buf with;   /* "s0 AS (...), s1 AS (...)" */
	unsigned stages;   /* s0 is the events */
	const char *order; /* what ORDER BY says; NULL: nothing */
	/* Names that are shown, in order. */
	struct str shown[INSIGHTS_NAMES_MAX];
	size_t shown_count;
	bool has_fields; /* fields or display was there */
	bool has_limit, is_nested;
	bool has_patterns; /* the last command was pattern */
	size_t part;       /* that SOURCE is of; 0: the whole */
	unsigned commands;
};

/* ---- insights.c ---- */
int insights_add_name(struct translation *translation, struct str name, const char *sql,
	const struct insights_value *value);
void insights_show(struct translation *translation, struct str name);
const char *insights_new_column(struct translation *translation);
/* SELECT what FROM the stage before, rest. */
void insights_add_stage(struct translation *translation, const char *what, const char *rest);
/* A new column that is called name; shown. */
int insights_define(
	struct translation *translation, struct str name, const struct insights_value *value);
/* " ORDER BY ..." of the rows so far, or "". */
const char *insights_order(struct translation *translation);
/* Rows are events no more: their names are these from now on, all shown. */
void insights_set_names(
	struct translation *translation, const struct insights_name *names, size_t count);
/* Names that events have, and their SQL; into INSIGHTS_NAMES_MAX. */
size_t insights_event_names(struct translation *translation, struct insights_name *names);
/* The commands up to the end, or ')' when nested. */
int insights_commands(struct translation *translation);
/* All of it as one SELECT, with what its columns are; into INSIGHTS_NAMES_MAX names. */
size_t insights_select(
	struct translation *translation, struct buf *sql, struct insights_name *names);
/* as NAME, where it stands. */
int insights_parse_alias(struct translation *translation, struct str *alias);

/* ---- insights_parse.c: from behind the command's name ---- */
int insights_parse_parse(struct translation *translation);
int insights_parse_json(struct translation *translation);
int insights_parse_unnest(struct translation *translation);
int insights_parse_expand(struct translation *translation);
/* As DuckDB has it, and names and number of its groups; NULL: refused, and said. */
const char *insights_regex(
	struct insights *insights, struct str text, struct str *ret_names, size_t *ret_groups);

/* ---- insights_source.c ---- */
int insights_parse_source(struct translation *translation);

/* ---- insights_nested.c ---- */
/* From behind "in (" */
int insights_nested_in(struct insights *insights, bool is_negated, struct insights_value *value);
/* What stands behind FROM for the groups of the part. */
const char *insights_relation(struct translation *translation);
int insights_parse_appendcols(struct translation *translation);
int insights_parse_join(struct translation *translation);
int insights_parse_diff(struct translation *translation);
int insights_parse_logcompare(struct translation *translation);

/* ---- insights_series.c ---- */
/* word=VALUE: *ret_value is its text, when it stands there. */
int insights_take_option(
	struct translation *translation, const char *word, struct str *ret_value, bool *ret_taken);
int insights_parse_accum(struct translation *translation);
int insights_parse_addtotals(struct translation *translation);
int insights_parse_autoregress(struct translation *translation);
int insights_parse_count_frequent(struct translation *translation);
int insights_parse_estimate(struct translation *translation);
int insights_parse_filldown(struct translation *translation);
int insights_parse_fillmissing(struct translation *translation);
int insights_parse_outlier(struct translation *translation);
int insights_parse_pattern(struct translation *translation);
void insights_add_patterns(struct translation *translation, const struct insights_value *value);
int insights_parse_sessionize(struct translation *translation);
