/* math_priv: what the files of metric math share: values, and an expression being computed. */
#pragma once

#include "api/monitoring/monitoring_priv.h"

#define MATH_POINTS_MAX 100800 /* of one series */

enum math_kind { MATH_NUMBER, MATH_SERIES, MATH_LIST, MATH_WORD };
struct math_value {
	enum math_kind kind;
	double number;
	struct str word;                  /* REPEAT, SUM, or what is between quotes */
	struct monitoring_series *series; /* LIST: count of them; SERIES: one */
	size_t count;
	int64_t period;
};

struct math {
	struct monitoring_queries *queries;
	struct monitoring_query *query;
	struct str text;
	size_t at;
	unsigned depth;
	struct aws_error *error;
};

/* Returns -1. */
int math_fail(struct math *math, const char *what);

/* ---- math_values.c ---- */
void math_done(struct math_value *value);
/* The value becomes this number, or takes this one series. */
void math_set_number(struct math_value *value, double number);
void math_set_series(struct math_value *value, struct monitoring_series *series);
/* Leaves out what is no number: a division by zero has no datapoint. */
void math_add(struct monitoring_series *series, int64_t time, double value);
/* a becomes `a operator b`; l, g, =, !, & and | are <=, >=, ==, !=, && and ||. */
int math_combine(struct math *math, char operator, struct math_value * a, struct math_value *b);

/* ---- math_functions.c ---- */
/* The first argument becomes the result. */
int math_call(struct math *math, const char *name, struct math_value *arguments, size_t count);
