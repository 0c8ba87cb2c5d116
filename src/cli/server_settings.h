/* server_settings: what `nagare server` can be told, in one table (server_settings.def): each row
 * is an option of the command line, a key of the YAML file and an entry of the page nagare.yaml(5).
 */
#pragma once

#include "base/err.h"
#include "cli/command.h"
#include "cli/settings.h"

#include <stdint.h>
#include <stdio.h>

#define SERVER_LIST_MAX 16

enum server_row {
#define X(kind, field, name, argument, check, help) SERVER_##field,
#include "cli/server_settings.def"
#undef X
	SERVER_ROWS
};

/* To NULL. */
struct server_list {
	const char *item[SERVER_LIST_MAX + 1];
	size_t count;
};

/* Texts as given and checked; NULL: not given. Zeroed, they are empty. */
struct server_settings {
	struct cli_settings common;    /* first */
	const char *text[SERVER_ROWS]; /* a switch that is on: "yes" */
	struct server_list list[SERVER_ROWS];
	void *owned; /* private: what was read from the file */
};

extern const struct cli_option server_options[];

/* Adds what the file says where the command line said nothing. Errors name file, line and column.
 */
int server_settings_load(struct server_settings *settings, const char *path, struct err *err);
void server_settings_done(struct server_settings *settings);
/* The page nagare.yaml(5), as mdoc. */
void server_settings_manual(FILE *stream);
