/* An expression and its opposite are never true together, and one of them is as readable as the
 * other. */
#include "store/catalog_expression.h"

#include "base/buf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char keys_text[] =
	"[{\"Name\": \"s\", \"Type\": \"string\"}, {\"Name\": \"i\", \"Type\": \"bigint\"},"
	" {\"Name\": \"n\", \"Type\": \"decimal\"}, {\"Name\": \"d\", \"Type\": \"date\"},"
	" {\"Name\": \"t\", \"Type\": \"timestamp\"}]";

static const char *const rows[][5] = {
	{"us-east-1", "7", "-0.50", "2026-02-01", "2026-02-01 10:00:00.25"},
	{"", "-0012", "99999999999999999999.1", "2024-02-29", "2024-02-29 00:00:00"},
	{STORE_PARTITION_NULL, STORE_PARTITION_NULL, "x", "", "2024-02-29 00:00:00."},
};

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = {(const char *)data, size};
	_cleanup_(store_expression_freep) struct store_expression *expression = NULL;
	_cleanup_(store_expression_freep) struct store_expression *opposite = NULL;
	_cleanup_buf_ struct buf turned = {0};
	static json_t *keys;
	struct aws_error error = {0};

	if (!keys)
		keys = json_loads(keys_text, 0, NULL);
	if (store_expression_parse(&expression, text, keys, &error) < 0) {
		check(error.code == AWS_ERROR_INVALID_INPUT_EXCEPTION);
		return 0;
	}
	buf_add_text(&turned, "NOT (");
	buf_add_str(&turned, text);
	buf_add_char(&turned, ')');
	/* Not of an empty one, nor of one that is as deep as can be. */
	if (store_expression_parse(&opposite, buf_str(&turned), keys, &error) < 0)
		return 0;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct str values[5];
		for (size_t i = 0; i < ARRAY_SIZE(values); i++)
			values[i] = str_from(rows[row][i]);
		check(!store_expression_matches(expression, values, ARRAY_SIZE(values)) ||
			!store_expression_matches(opposite, values, ARRAY_SIZE(values)));
	}
	return 0;
}
