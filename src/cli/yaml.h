/* yaml: a YAML file as a tree in which everything knows its line and column, so that whatever is
 * found wrong later (a value, a combination) can be said with its place. Parsed by libyaml.
 * Nodes and texts are lent by the file. */
#pragma once

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

struct cli_yaml;

struct cli_yaml_node {
	const struct cli_yaml *file;
	int number; /* 0: there is none */
};

int cli_yaml_load(struct cli_yaml **ret_file, const char *path, struct err *err);
void cli_yaml_free(struct cli_yaml *file);
MEM_DEFINE_CLEANUP(struct cli_yaml, cli_yaml_free)
struct cli_yaml_node cli_yaml_top(const struct cli_yaml *file);

/* NULL when it is not one value. */
const char *cli_yaml_text(struct cli_yaml_node node);
/* The nth pair of a mapping; false behind the last. */
bool cli_yaml_pair(struct cli_yaml_node mapping, size_t n, struct cli_yaml_node *ret_key,
	struct cli_yaml_node *ret_value);
/* The nth item of a list. */
bool cli_yaml_item(struct cli_yaml_node list, size_t n, struct cli_yaml_node *ret_item);
bool cli_yaml_is_mapping(struct cli_yaml_node node);
bool cli_yaml_is_list(struct cli_yaml_node node);
/* Puts "FILE:LINE:COLUMN: " before what err says, and makes it bad input. Returns <0. */
int cli_yaml_refuse(struct cli_yaml_node node, struct err *err);
