/* agent_settings: what `nagare agent` can be told: options of the command line, and the part
 * "agent" of nagare.yaml(5), which has the same names and besides them the lists interface and
 * flow-log. */
#pragma once

#include "agent/flow_log.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/settings.h"
#include "cli/yaml.h"
#include "vpc/naming.h"

#include <stdio.h>

#define AGENT_ITEMS_MAX 1000 /* of interface and of flow-log, each */

enum agent_row {
#define X(kind, field, name, argument, check, help) AGENT_ROW_##field,
#include "cli/agent_settings.def"
#undef X
	AGENT_ROWS
};

/* Zeroed, it is empty. */
struct agent_settings {
	struct cli_settings common;   /* first */
	const char *text[AGENT_ROWS]; /* NULL: not given; a switch that is on: "yes" */
	bool is_json, is_metrics;     /* of `nagare agent status` */
	/* From the file, which lends the texts. */
	struct cli_yaml *file;
	struct vpc_naming_rule *rules;
	size_t rule_count;
	struct agent_flow_log **flow_logs;
	size_t flow_log_count;
};

extern const struct cli_option agent_options_table[];

/* Adds what the file says where the command line said nothing. Errors name file, line and column.
 */
int agent_settings_load(struct agent_settings *settings, const char *path, struct err *err);
void agent_settings_done(struct agent_settings *settings);
/* The part of the page nagare.yaml(5), as mdoc. */
void agent_settings_manual(FILE *stream);
