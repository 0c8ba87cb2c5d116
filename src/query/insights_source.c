/* SOURCE: which log groups a query reads.
 *   SOURCE "group", SOURCE a START=-3600s END=now, SOURCE logGroups(namePrefix: ["a", "b"])
 *   SOURCE logGroupTags([{"key": "team", "values": ["a", "b*"]}]), SOURCE
 * dataSource(["amazon_vpc.flow"]) */
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

/* ["a", "b"] or "a"; add gets each, where it is not NULL. */
static int parse_list(struct translation *translation,
	void (*add)(struct translation *translation, struct str text))
{
	struct insights *insights = &translation->insights;
	bool is_list, taken;

	if (insights_take_sign(insights, "[", &is_list) < 0)
		return -1;
	do {
		if (insights->token != INSIGHTS_STRING)
			return insights_fail(insights, "a text in quotes");
		if (add)
			add(translation, insights->token_text);
		if (insights_next(insights, false) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken && is_list);
	return is_list ? insights_expect_sign(insights, "]") : 0;
}

static void take_prefix(struct translation *translation, struct str text)
{
	add_group(translation, text, "*");
}

static void take_data_source(struct translation *translation, struct str text)
{
	struct query_insights *result = translation->result;

	result->data_sources = mem_grow(result->data_sources, result->data_sources_count + 1,
		sizeof(result->data_sources[0]));
	result->data_sources[result->data_sources_count++] = mem_printf("%.*s", STR_ARG(text));
}

/* A tag that stands for a filter: the key is that of the one before, or still to come. */
static struct query_insights_tag *add_tag(struct query_insights *result, size_t number)
{
	result->tags = mem_grow(result->tags, result->tags_count + 1, sizeof(result->tags[0]));
	result->tags[result->tags_count] = (struct query_insights_tag){.number = number};
	return &result->tags[result->tags_count++];
}

static void take_value(struct translation *translation, struct str text)
{
	struct query_insights *result = translation->result;
	struct query_insights_tag *last = &result->tags[result->tags_count - 1];

	if (last->value)
		last = add_tag(result, last->number);
	last->value = mem_printf("%.*s", STR_ARG(text));
}

/* {"key": "a", "values": ["b", "c*", "!d"]} */
static int parse_tag(struct translation *translation, size_t number)
{
	struct insights *insights = &translation->insights;
	struct query_insights *result = translation->result;
	size_t first = result->tags_count;
	struct str key = STR_NONE;
	bool taken;

	add_tag(result, number);
	if (insights_expect_sign(insights, "{") < 0)
		return -1;
	do {
		struct str member = insights->token_text;
		if (insights->token != INSIGHTS_STRING && insights->token != INSIGHTS_NAME)
			return insights_fail(insights, "key or values");
		if (insights_next(insights, false) < 0 || insights_expect_sign(insights, ":") < 0)
			return -1;
		if (str_equal_ignoring_case(member, STR("values"))) {
			if (parse_list(translation, take_value) < 0)
				return -1;
		} else {
			key = insights->token_text;
			if (insights->token != INSIGHTS_STRING)
				return insights_fail(insights, "a text in quotes");
			if (insights_next(insights, false) < 0)
				return -1;
		}
		if (insights_take_sign(insights, ",", &taken) < 0)
			return -1;
	} while (taken);
	if (!key.n)
		return insights_fail(insights, "a key");
	for (size_t i = first; i < result->tags_count; i++)
		result->tags[i].key = mem_printf("%.*s", STR_ARG(key));
	return insights_expect_sign(insights, "}");
}

/* From behind '(' */
static int parse_tags(struct translation *translation)
{
	struct insights *insights = &translation->insights;
	bool taken;

	if (insights_expect_sign(insights, "[") < 0)
		return -1;
	for (size_t number = 0;; number++) {
		if (parse_tag(translation, number) < 0 ||
			insights_take_sign(insights, ",", &taken) < 0)
			return -1;
		if (!taken)
			break;
	}
	return insights_expect_sign(insights, "]") < 0 ? -1 : insights_expect_sign(insights, ")");
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
			parse_list(translation, is_prefix ? take_prefix : NULL) < 0 ||
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
	bool is_tags = str_equal_ignoring_case(name, STR("logGroupTags"));
	if ((is_tags || str_equal_ignoring_case(name, STR("dataSource"))) && !translation->part) {
		if (insights_next(insights, false) < 0)
			return -1;
		if (is_tags)
			return parse_tags(translation);
		return parse_list(translation, take_data_source) < 0
			       ? -1
			       : insights_expect_sign(insights, ")");
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
	/* By tags or data sources alone: of all groups. */
	if (!count_groups(translation))
		add_group(translation, STR(""), "*");
	return 0;
}
