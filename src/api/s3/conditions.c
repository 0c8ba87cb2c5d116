#include "api/s3/s3_priv.h"

#include "aws/time.h"
#include "base/number.h"

static int unsatisfiable(struct str header, int64_t size, struct aws_error *error)
{
	aws_error_default(error, AWS_ERROR_INVALID_RANGE);
	aws_error_detail(error, "RangeRequested", "%.*s", STR_ARG(header));
	return aws_error_detail(error, "ActualObjectSize", "%lld", (long long)size);
}

int s3_range_parse(
	struct str header, int64_t size, struct s3_range *ret_range, struct aws_error *error)
{
	uint64_t first = 0, last = 0;
	struct str text = header, from;

	*ret_range = (struct s3_range){0, size, true};
	if (!str_starts_with(text, STR("bytes=")))
		return 0;
	text = str_trim((struct str){text.p + 6, text.n - 6});
	if (memchr(text.p, ',', text.n) || !memchr(text.p, '-', text.n))
		return 0;
	str_split(&text, '-', &from);
	if (!from.n) { /* the last so many */
		if (!number_parse(text, INT64_MAX, &last))
			return 0;
		if (last == 0 || size == 0)
			return unsatisfiable(header, size, error);
		if (last > (uint64_t)size)
			last = (uint64_t)size;
		*ret_range = (struct s3_range){size - (int64_t)last, (int64_t)last, false};
		return 0;
	}
	if (!number_parse(from, INT64_MAX, &first))
		return 0;
	if (!text.n)
		last = INT64_MAX;
	else if (!number_parse(text, INT64_MAX, &last) || last < first)
		return 0;
	if (first >= (uint64_t)size)
		return unsatisfiable(header, size, error);
	if (last >= (uint64_t)size)
		last = (uint64_t)size - 1;
	*ret_range = (struct s3_range){(int64_t)first, (int64_t)(last - first) + 1, false};
	return 0;
}

bool s3_etag_matches(struct str list, const char *etag)
{
	struct str one;

	while (str_split(&list, ',', &one)) {
		one = str_trim(one);
		if (str_equal(one, STR("*")))
			return true;
		if (str_starts_with(one, STR("W/")))
			one = (struct str){one.p + 2, one.n - 2};
		if (one.n >= 2 && one.p[0] == '"' && one.p[one.n - 1] == '"')
			one = (struct str){one.p + 1, one.n - 2};
		if (str_equal(one, str_from(etag)))
			return true;
	}
	return false;
}

/* Dates have seconds; one that cannot be read is as if it were not there. */
static bool is_after(int64_t modified_ms, struct str date, bool *ret_is_after)
{
	int64_t ms;

	if (!date.n || !aws_time_parse(date, &ms))
		return false;
	*ret_is_after = modified_ms / 1000 > ms / 1000;
	return true;
}

enum s3_condition s3_conditions_check(const struct s3_conditions *conditions, const char *etag,
	int64_t modified_ms, const char **ret_failed)
{
	bool after;

	*ret_failed = "";
	if (conditions->if_match.n) {
		if (!s3_etag_matches(conditions->if_match, etag)) {
			*ret_failed = "If-Match";
			return S3_CONDITION_FAILED;
		}
	} else if (is_after(modified_ms, conditions->if_unmodified_since, &after) && after) {
		*ret_failed = "If-Unmodified-Since";
		return S3_CONDITION_FAILED;
	}
	if (conditions->if_none_match.n) {
		if (s3_etag_matches(conditions->if_none_match, etag)) {
			*ret_failed = "If-None-Match";
			return S3_CONDITION_NOT_MODIFIED;
		}
	} else if (is_after(modified_ms, conditions->if_modified_since, &after) && !after) {
		*ret_failed = "If-Modified-Since";
		return S3_CONDITION_NOT_MODIFIED;
	}
	return S3_CONDITION_MET;
}
