/* rows: a list of things for people (a table) or for programs (JSON, CSV), from the same columns.
 */
#pragma once

#include "aws/xml.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

enum cli_rows_output { CLI_ROWS_TABLE, CLI_ROWS_JSON, CLI_ROWS_CSV };

struct cli_column {
	const char *title;  /* of the table; NULL: it is not in it */
	const char *member; /* of JSON, and in the head of CSV */
	/* In the answer, "attachment/instanceId"; "set/item/x": a list of all x; "tagSet": an
	 * object of key to value; "tagSet/KEY": the value of that tag; "a|b": a, or b where there
	 * is no a. */
	const char *path;
};

/* For --output. */
#define CLI_ROWS_OUTPUT_HELP                                                                       \
	"table (the default), or for programs json (an array of objects, with more members than "  \
	"the table has columns) or csv."
int cli_rows_set_output(enum cli_rows_output *output, const char *value, struct err *err);

/* An object of the columns' members from an element; those that are not there are left out. The
 * caller's to json_decref. */
json_t *cli_row(const struct cli_column *columns, const struct aws_xml_node *node);
/* none: what a table says when there is no row. */
int cli_rows_print(const struct cli_column *columns, const json_t *rows,
	enum cli_rows_output output, const char *none, struct err *err);
