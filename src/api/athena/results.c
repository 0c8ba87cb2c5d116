/* GetQueryResults: rows read again from the result's object. A token is the byte where the next row
 * begins. A page that is full has a token, though the next may be empty, as Athena's. */
#include "api/athena/athena_priv.h"

#include "base/number.h"

#include <inttypes.h>
#include <unistd.h>

enum { BLOCK = 256 << 10, ROW_BYTES_MAX = 32 << 20 };

struct reading {
	int fd;
	int64_t at; /* of bytes in the object */
	struct buf bytes;
	size_t used;
	bool is_csv, is_one; /* one: a line is a value, whatever tabs it has */
};

/* More bytes behind those that are there; false: the end. */
static bool more(struct reading *reading)
{
	if (reading->bytes.n > ROW_BYTES_MAX)
		return false;
	char *to = buf_reserve(&reading->bytes, BLOCK);
	ssize_t n = pread(reading->fd, to, BLOCK, reading->at + (int64_t)reading->bytes.n);
	if (n <= 0)
		return false;
	reading->bytes.n += (size_t)n;
	return true;
}

static int byte_at(struct reading *reading, size_t i)
{
	while (reading->used + i >= reading->bytes.n) {
		if (!more(reading))
			return -1;
	}
	return (unsigned char)reading->bytes.p[reading->used + i];
}

static void add_value(json_t *data, const struct buf *value, bool is_null)
{
	json_t *text = is_null ? NULL : athena_json(buf_str(value));

	json_array_append_new(
		data, text ? json_pack("{s:o}", "VarCharValue", text) : json_object());
}

/* The next row; NULL at the end. */
static json_t *next_row(struct reading *reading)
{
	_cleanup_buf_ struct buf value = {0};
	char separator = reading->is_csv ? ',' : '\t';
	bool quoted = false, in_quotes = false;
	size_t i = 0;

	if (byte_at(reading, 0) < 0)
		return NULL;
	json_t *data = json_array();
	for (;; i++) {
		int c = byte_at(reading, i);
		if (c == '"' && reading->is_csv) {
			if (in_quotes && byte_at(reading, i + 1) == '"') {
				buf_add_char(&value, '"');
				i++;
			} else {
				in_quotes = !in_quotes;
				quoted = true;
			}
		} else if (c < 0 ||
			   (!in_quotes && (c == '\n' || (c == separator && !reading->is_one)))) {
			add_value(data, &value, reading->is_csv && !quoted);
			value.n = 0;
			quoted = false;
			if (c != separator)
				break;
		} else {
			buf_add_char(&value, (char)c);
		}
	}
	reading->used += i + (byte_at(reading, i) >= 0);
	return json_pack("{s:o}", "Data", data);
}

static int open_result(
	struct api_call *call, struct str location, int *ret_fd, struct aws_error *error)
{
	struct store_object object = {.size = 0};
	struct str bucket, key;

	if (!athena_split_location(location, &bucket, &key) ||
		store_object_get(athena_of(call)->settings.objects, bucket, key, STR(""), &object,
			ret_fd, error, &call->exchange->err) < 0)
		return athena_refuse(error, "RESULT_NOT_FOUND", "Could not find results");
	store_object_done(&object);
	return 0;
}

static int check_state(const json_t *execution, struct aws_error *error)
{
	struct str state = athena_text(json_object_get(execution, "Status"), "State");

	if (str_equal(state, STR("SUCCEEDED")))
		return 0;
	if (str_equal(state, STR("CANCELLED")))
		return athena_refuse(error, "RESULT_NOT_FOUND", "Could not find results");
	if (str_equal(state, STR("FAILED")))
		return athena_refuse(error, "INVALID_QUERY_EXECUTION_STATE",
			"Query did not finish successfully. Final query state: FAILED");
	return athena_refuse(error, "INVALID_QUERY_EXECUTION_STATE",
		"Query has not yet finished. Current state: %.*s", STR_ARG(state));
}

static int read_rows(
	struct api_call *call, const json_t *execution, json_t *rows, struct aws_error *error)
{
	struct str token = athena_text(call->input, "NextToken");
	const json_t *limit = json_object_get(call->input, "MaxResults");
	size_t most = json_is_integer(limit) ? (size_t)json_integer_value(limit) : ROWS_MAX;
	struct str location =
		athena_text(json_object_get(execution, "ResultConfiguration"), "OutputLocation");
	struct str kind = athena_text(execution, "SubstatementType");
	_cleanup_close_ int fd = -1;
	struct reading reading = {
		.is_csv = str_ends_with(location, STR(".csv")),
		.is_one = str_equal(kind, STR("DESCRIBE_TABLE")) || str_equal(kind, STR("EXPLAIN")),
	};
	json_t *row;

	if (token.p && !number_parse_signed(token, 0, INT64_MAX, &reading.at))
		return athena_refuse(error, "INVALID_INPUT", "NextToken is not valid.");
	if (open_result(call, location, &fd, error) < 0)
		return -1;
	reading.fd = fd;
	while (json_array_size(rows) < most && (row = next_row(&reading)))
		json_array_append_new(rows, row);
	if (json_array_size(rows) == most)
		json_object_set_new(call->output, "NextToken",
			json_sprintf("%" PRId64, reading.at + (int64_t)reading.used));
	buf_done(&reading.bytes);
	return 0;
}

/* Has the statement an object with rows? */
static bool has_rows(const json_t *execution)
{
	struct str location =
		athena_text(json_object_get(execution, "ResultConfiguration"), "OutputLocation");

	return str_ends_with(location, STR(".csv")) || str_ends_with(location, STR(".txt"));
}

ATHENA_HANDLER(athena_get_results)
{
	struct str id = athena_text(call->input, "QueryExecutionId");
	const json_t *limit = json_object_get(call->input, "MaxResults");

	if (json_is_integer(limit) && json_integer_value(limit) > ROWS_MAX)
		return athena_refuse(error, "INVALID_INPUT",
			"MaxResults is more than maximum allowed length 1000.");
	json_t *kept = athena_kept(athena_of(call), id, &call->exchange->err);
	if (!kept)
		return athena_refuse(error, "QUERY_EXECUTION_NOT_FOUND",
			"QueryExecution %.*s was not found", STR_ARG(id));
	const json_t *execution = json_object_get(kept, "Execution");
	json_t *rows = json_array();
	int r = check_state(execution, error);
	if (r == 0 && has_rows(execution))
		r = read_rows(call, execution, rows, error);
	json_object_set_new(call->output, "ResultSet",
		json_pack("{s:o, s:{s:O}}", "Rows", rows, "ResultSetMetadata", "ColumnInfo",
			json_object_get(kept, "Columns")));
	json_object_set(call->output, "UpdateCount", json_object_get(kept, "UpdateCount"));
	json_decref(kept);
	return r;
}
