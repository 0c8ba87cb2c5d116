#include "cli/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <yaml.h>

struct cli_yaml {
	char *path;
	yaml_document_t document;
};

static int refuse_parse(const yaml_parser_t *parser, const char *path, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s:%zu:%zu: %s%s%s", path, parser->problem_mark.line + 1,
		parser->problem_mark.column + 1, parser->problem ? parser->problem : "no YAML",
		parser->context ? ", " : "", parser->context ? parser->context : "");
}

int cli_yaml_load(struct cli_yaml **ret_file, const char *path, struct err *err)
{
	FILE *stream = fopen(path, "re");
	yaml_parser_t parser;
	int result = 0;

	if (!stream)
		return err_set_errno(err, errno, "cannot read %s", path);
	struct cli_yaml *file = mem_new(1, sizeof(*file));
	file->path = mem_strdup(path);
	if (!yaml_parser_initialize(&parser)) {
		fclose(stream);
		free(file->path);
		free(file);
		return err_set(err, ERR_SYSTEM, "no memory for %s", path);
	}
	yaml_parser_set_input_file(&parser, stream);
	if (!yaml_parser_load(&parser, &file->document))
		result = refuse_parse(&parser, path, err);
	yaml_parser_delete(&parser);
	fclose(stream);
	if (result < 0) {
		free(file->path);
		free(file);
		return result;
	}
	*ret_file = file;
	return 0;
}

void cli_yaml_free(struct cli_yaml *file)
{
	if (!file)
		return;
	yaml_document_delete(&file->document);
	free(file->path);
	free(file);
}

static const yaml_node_t *node_of(struct cli_yaml_node node)
{
	return node.number ? yaml_document_get_node(
				     (yaml_document_t *)&node.file->document, node.number)
			   : NULL;
}

struct cli_yaml_node cli_yaml_top(const struct cli_yaml *file)
{
	bool is_empty = !yaml_document_get_root_node((yaml_document_t *)&file->document);

	return (struct cli_yaml_node){file, is_empty ? 0 : 1};
}

const char *cli_yaml_text(struct cli_yaml_node node)
{
	const yaml_node_t *found = node_of(node);

	return found && found->type == YAML_SCALAR_NODE ? (const char *)found->data.scalar.value
							: NULL;
}

bool cli_yaml_is_mapping(struct cli_yaml_node node)
{
	const yaml_node_t *found = node_of(node);

	return found && found->type == YAML_MAPPING_NODE;
}

bool cli_yaml_is_list(struct cli_yaml_node node)
{
	const yaml_node_t *found = node_of(node);

	return found && found->type == YAML_SEQUENCE_NODE;
}

bool cli_yaml_pair(struct cli_yaml_node mapping, size_t n, struct cli_yaml_node *ret_key,
	struct cli_yaml_node *ret_value)
{
	const yaml_node_t *found = node_of(mapping);

	if (!cli_yaml_is_mapping(mapping))
		return false;
	const yaml_node_pair_t *pairs = found->data.mapping.pairs.start;
	if (n >= (size_t)(found->data.mapping.pairs.top - pairs))
		return false;
	*ret_key = (struct cli_yaml_node){mapping.file, pairs[n].key};
	*ret_value = (struct cli_yaml_node){mapping.file, pairs[n].value};
	return true;
}

bool cli_yaml_item(struct cli_yaml_node list, size_t n, struct cli_yaml_node *ret_item)
{
	const yaml_node_t *found = node_of(list);

	if (!cli_yaml_is_list(list))
		return false;
	const yaml_node_item_t *items = found->data.sequence.items.start;
	if (n >= (size_t)(found->data.sequence.items.top - items))
		return false;
	*ret_item = (struct cli_yaml_node){list.file, items[n]};
	return true;
}

int cli_yaml_refuse(struct cli_yaml_node node, struct err *err)
{
	const yaml_node_t *found = node_of(node);

	if (err)
		err->code = ERR_INPUT;
	if (!found)
		return err_wrap(err, "%s", node.file->path);
	return err_wrap(err, "%s:%zu:%zu", node.file->path, found->start_mark.line + 1,
		found->start_mark.column + 1);
}
