/* Filter patterns: compiled, over blocks of the store, and TestMetricFilter. */
#include "api/logs/logs_priv.h"

int logs_pattern(struct str text, struct query_pattern **ret_pattern, struct aws_error *error)
{
	struct err err = ERR_INIT;

	if (query_pattern_new(ret_pattern, text.p ? text : STR(""), &err) < 0)
		return logs_refuse(error, "Invalid filter pattern: %s", err.message);
	return 0;
}

static void match(void *context, const struct store_log_block *block, uint64_t *bits)
{
	uint32_t *starts = mem_grow(NULL, block->count + 1, sizeof(*starts));

	/* A newline is behind each message. */
	starts[0] = 0;
	for (size_t i = 0; i < block->count; i++)
		starts[i + 1] = block->ends[i] + 1;
	query_pattern_select(context, block->messages, starts, block->count, 1, bits);
	free(starts);
}

static bool may_match(void *context, const char *messages, size_t n)
{
	return !query_pattern_excludes(context, messages, n);
}

static bool use_column(void *context, size_t column)
{
	return store_log_columns_use(context, column);
}

static bool may_have(void *context, size_t column, struct str word)
{
	const struct store_log_columns *columns = context;

	return store_log_column_may_have(&columns->columns[column], word);
}

static bool narrow(void *context, struct store_log_columns *columns, size_t count, uint64_t *bits)
{
	struct query_pattern_column list[STORE_LOG_COLUMNS_MAX];

	for (size_t i = 0; i < columns->count; i++) {
		const struct store_log_column *from = &columns->columns[i];
		list[i] = (struct query_pattern_column){
			.kind = from->kind == STORE_LOG_NO_VALUES ? QUERY_PATTERN_NO_VALUES
				: from->kind == STORE_LOG_WORDS   ? QUERY_PATTERN_WORDS
				: from->is_ipv4                   ? QUERY_PATTERN_ADDRESSES
								  : QUERY_PATTERN_NUMBERS,
			.width = from->width,
			.has_none = from->has_none,
			.base = from->base,
			.last = from->last,
			.values = from->values,
			.word_count = from->word_count,
			.word_ends = from->word_ends,
			.words = from->words,
			.bytes = from->bytes,
			.has_filter = from->filter != NULL,
			.shortest = from->shortest,
			.longest = from->longest};
	}
	const struct query_pattern_columns all = {.rows = count,
		.count = columns->count,
		.columns = list,
		.use = use_column,
		.may_have = may_have,
		.context = columns};
	return query_pattern_narrow(context, &all, bits);
}

static void keep(void *context, const struct store_log_block *block, uint64_t *bits)
{
	for (size_t i = 0; i < (block->count + 63) / 64; i++)
		for (uint64_t left = bits[i]; left; left &= left - 1) {
			size_t row = 64 * i + (size_t)__builtin_ctzll(left);
			uint32_t start = row ? block->ends[row - 1] + 1 : 0;
			struct str message = {block->messages + start, block->ends[row] - start};
			if (!query_pattern_matches(context, message))
				bits[i] &= ~(left & -left);
		}
}

struct store_log_matcher logs_matcher(const struct query_pattern *pattern)
{
	return (struct store_log_matcher){.match = match,
		.context = (void *)pattern,
		.may_match = may_match,
		.narrow = narrow,
		.keep = keep};
}

static void add_value(void *context, struct str name, struct str value)
{
	_cleanup_buf_ struct buf key = {0};

	buf_add_str(&key, name);
	json_object_set_new(context, buf_text(&key), logs_json(value));
}

LOGS_HANDLER(logs_test_metric_filter)
{
	_cleanup_(query_pattern_freep) struct query_pattern *pattern = NULL;
	const json_t *messages = json_object_get(call->input, "logEventMessages");
	json_t *matches = json_array(), *message;
	size_t i;

	json_object_set_new(call->output, "matches", matches);
	if (logs_pattern(logs_text(call, "filterPattern"), &pattern, error) < 0)
		return -1;
	json_array_foreach(messages, i, message)
	{
		json_t *values = json_object();
		if (query_pattern_matches(pattern, logs_string(message))) {
			query_pattern_extract(pattern, logs_string(message), add_value, values);
			json_array_append_new(matches,
				json_pack("{s:I, s:O, s:O}", "eventNumber", (json_int_t)i + 1,
					"eventMessage", message, "extractedValues", values));
		}
		json_decref(values);
	}
	return 0;
}
