/* SOURCE: which log groups a query reads.
 *   SOURCE "group", SOURCE a START=-3600s END=now, SOURCE logGroups(namePrefix: ["a", "b"]) */
#include "query/insights_priv.h"

#include "base/mem.h"

static size_t count_groups(const struct translation *translation)
{
	const struct query_insights *result = translation->result;

	return translation->part ? result->parts[translation->part - 1].groups_count
				 : result->groups_count;
}

static void add_group(struct translation *translation, struct str name, const char *suffix)
{
	struct query_insights *result = translation->result;
	struct query_insights_part *part =
		translation->part ? &result->parts[translation->part - 1] : NULL;
	char ***groups = part ? &part->groups : &result->groups;
	size_t *count = part ? &part->groups_count : &result->groups_count;

	*groups = mem_grow(*groups, *count + 1, sizeof(**groups));
	(*groups)[(*count)++] = mem_printf("%.*s%s", STR_ARG(name), suffix);
}

/* ["a", "b"] or "a" behind the colon of a keyword. */
static int parse_list(struct translation *translation, bool is_prefix)
{
	struct insights *insights = &translation->insights;
	bool is_list, taken;

	if (insights_take_sign(insights, "[", &is_list) < 0)
		return -1;
	do {
		if (insights->token != INSIGHTS_STRING)
			return insights_fail(insights, "a text in quotes");
		if (is_prefix)
			add_group(translation, insights->token_text, "*");
		if (insights_next(insights, false) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken && is_list);
	return is_list ? insights_expect_sign(insights, "]") : 0;
}

/* From behind '(': accounts and classes are passed over, as there is one of each. */
static int parse_log_groups(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	size_t before = count_groups(translation);
	bool taken;

	while (insights->token == INSIGHTS_NAME) {
		bool is_prefix = insights_is_word(insights, "namePrefix");
		if (!is_prefix && !insights_is_word(insights, "accountIdentifier") &&
			!insights_is_word(insights, "accountIdentifiers") &&
			!insights_is_word(insights, "class") &&
			!insights_is_word(insights, "logGroupClass"))
			return insights_fail(insights, "namePrefix, accountIdentifier or class");
		if (insights_next(insights, false) < 0 || insights_expect_sign(insights, ":") < 0 ||
			parse_list(translation, is_prefix) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
		if (!taken)
			break;
	}
	if (count_groups(translation) == before)
		add_group(translation, STR(""), "*");
	return insights_expect_sign(insights, ")");
}

/* START=-3600s END=now: passed over, the request has the range. */
static int skip_range(struct insights *insights)
{
	bool is_negative;

	if (insights_next(insights, false) < 0 || insights_expect_sign(insights, "=") < 0 ||
		insights_take_sign(insights, "-", &is_negative) < 0)
		return -1;
	return insights->token == INSIGHTS_END ? insights_fail(insights, "a time")
					       : insights_next(insights, false);
}

static int parse_one(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	struct str name = insights->token_text;
	bool taken;

	if (insights_is_word(insights, "start") || insights_is_word(insights, "end"))
		return skip_range(insights);
	if (insights->token != INSIGHTS_STRING && insights->token != INSIGHTS_NAME)
		return insights_fail(insights, "the name of a log group in quotes, or logGroups(");
	bool is_word = insights->token == INSIGHTS_NAME && !insights->is_quoted;
	size_t at = insights->token_at;
	if (insights_next(insights, false) < 0)
		return -1;
	if (!is_word || !insights_is_sign(insights, "(")) {
		add_group(translation, name, "");
		return insights_take_sign(insights, ",", &taken);
	}
	if (!str_equal_ignoring_case(name, STR("logGroups")))
		return insights_fail_at(insights, at, "SOURCE by '%.*s' is not supported",
			(int)(name.n < 40 ? name.n : 40), name.p);
	return insights_next(insights, false) < 0 ? -1 : parse_log_groups(translation);
}

int insights_parse_source(struct translation *translation)
{
	struct insights *insights = &translation->insights;

	if (insights->token == INSIGHTS_END)
		return insights_fail(insights, "the name of a log group in quotes");
	while (insights->token != INSIGHTS_END && !insights_is_sign(insights, "|") &&
		!insights_is_sign(insights, ")")) {
		if (parse_one(translation) < 0)
			return -1;
	}
	return 0;
}
