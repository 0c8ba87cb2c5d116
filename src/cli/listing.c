#include "cli/listing.h"

#include <stdio.h>
#include <string.h>

int cli_listing_add_filter(struct cli_listing *listing, const char *value, struct err *err)
{
	if (value[0] == '=' || !strchr(value, '='))
		return err_set(err, ERR_USAGE, "expected NAME=VALUE, found '%s'", value);
	if (listing->filter_count == CLI_FILTERS_MAX)
		return err_set(err, ERR_USAGE, "at most %d filters", CLI_FILTERS_MAX);
	listing->filters[listing->filter_count++] = value;
	return 0;
}

static void add_filter(struct buf *form, const char *filter, size_t index)
{
	const char *equals = strchr(filter, '=');
	_cleanup_free_ char *wanted = mem_printf("%.*s", (int)(equals - filter), filter);
	_cleanup_free_ char *name_key = mem_printf("Filter.%zu.Name", index + 1);
	_cleanup_free_ char *value_key = mem_printf("Filter.%zu.Value", index + 1);
	struct str rest = str_from(equals + 1), part;

	cli_remote_add(form, name_key, wanted);
	if (!rest.n)
		cli_remote_add_item(form, value_key, 0, "");
	for (size_t i = 0; str_split(&rest, ',', &part); i++) {
		_cleanup_free_ char *value = mem_printf("%.*s", STR_ARG(part));
		cli_remote_add_item(form, value_key, i, value);
	}
}

/* A page into rows; *token is the next one's, or NULL. */
static int read_page(struct cli_remote *remote, const struct cli_listing_kind *kind,
	const struct buf *fixed, char **token, json_t *rows, struct err *err)
{
	_cleanup_(aws_xml_freep) struct aws_xml *document = NULL;
	_cleanup_buf_ struct buf form = {0};

	buf_add_str(&form, buf_str(fixed));
	if (*token)
		cli_remote_add(&form, "NextToken", *token);
	if (cli_remote_call(remote, "ec2", kind->operation, &form, &document, err) < 0)
		return -1;
	const struct aws_xml_node *root = aws_xml_root(document);
	const struct aws_xml_node *set = aws_xml_child(root, str_from(kind->set));
	for (const struct aws_xml_node *item = aws_xml_child(set, STR("item")); item;
		item = aws_xml_next(item))
		json_array_append_new(rows, cli_row(kind->columns, item));
	struct str next = aws_xml_text(root, STR("nextToken"));
	free(*token);
	*token = next.n ? mem_printf("%.*s", STR_ARG(next)) : NULL;
	return 0;
}

int cli_listing_run(struct cli_remote *remote, const struct cli_listing *listing,
	const struct cli_listing_kind *kind, char **ids, size_t count, struct err *err)
{
	_cleanup_buf_ struct buf form = {0};
	_cleanup_free_ char *token = NULL;
	json_t *rows = json_array();
	int result;

	for (size_t i = 0; i < count; i++)
		cli_remote_add_item(&form, kind->ids, i, ids[i]);
	for (size_t i = 0; i < listing->filter_count; i++)
		add_filter(&form, listing->filters[i], i);
	do {
		result = read_page(remote, kind, &form, &token, rows, err);
	} while (result == 0 && token);
	if (result == 0)
		result = cli_rows_print(kind->columns, rows, listing->output, kind->none, err);
	json_decref(rows);
	return result;
}
