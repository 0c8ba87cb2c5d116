#include "query/prune_priv.h"

#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct prune_range always = {-INFINITY, INFINITY};

static void names_done(struct prune_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->names[i]);
	free(names->names);
	*names = (struct prune_names){0};
}

static void names_add(struct prune_names *names, const char *name)
{
	names->names = mem_grow(names->names, names->count + 1, sizeof(*names->names));
	names->names[names->count++] = mem_strdup(name);
}

/* Whatever the case: a collation may be set that does not tell. */
static bool names_have(const struct prune_names *names, struct str name)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_equal_ignoring_case(str_from(names->names[i]), name))
			return true;
	return false;
}

static void names_copy(struct prune_names *ret_names, const struct prune_names *names)
{
	*ret_names = (struct prune_names){.is_set = names->is_set};
	for (size_t i = 0; i < names->count; i++)
		names_add(ret_names, names->names[i]);
}

/* Those in both. */
static void names_and(
	struct prune_names *ret_names, const struct prune_names *a, const struct prune_names *b)
{
	if (!a->is_set || !b->is_set) {
		names_copy(ret_names, a->is_set ? a : b);
		return;
	}
	*ret_names = (struct prune_names){.is_set = true};
	for (size_t i = 0; i < a->count; i++)
		if (names_have(b, str_from(a->names[i])))
			names_add(ret_names, a->names[i]);
}

static bool names_equal(const struct prune_names *a, const struct prune_names *b)
{
	if (a->is_set != b->is_set || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	return true;
}

static void case_done(struct prune_case *one)
{
	names_done(&one->accounts);
	names_done(&one->regions);
}

void prune_init(struct prune *prune)
{
	prune->cases = mem_new(1, sizeof(*prune->cases));
	prune->cases[0] = (struct prune_case){.end = always, .start = always};
	prune->count = 1;
}

void prune_done(struct prune *prune)
{
	for (size_t i = 0; i < prune->count; i++)
		case_done(&prune->cases[i]);
	free(prune->cases);
	*prune = (struct prune){0};
}

void prune_copy(struct prune *ret_prune, const struct prune *prune)
{
	ret_prune->cases = mem_new(prune->count, sizeof(*ret_prune->cases));
	ret_prune->count = prune->count;
	for (size_t i = 0; i < prune->count; i++) {
		ret_prune->cases[i] = prune->cases[i];
		names_copy(&ret_prune->cases[i].accounts, &prune->cases[i].accounts);
		names_copy(&ret_prune->cases[i].regions, &prune->cases[i].regions);
	}
}

static bool range_equal(struct prune_range a, struct prune_range b)
{
	return a.low == b.low && a.high == b.high;
}

static bool case_is_everything(const struct prune_case *one)
{
	return !one->accounts.is_set && !one->regions.is_set && range_equal(one->end, always) &&
	       range_equal(one->start, always);
}

bool prune_is_everything(const struct prune *prune)
{
	for (size_t i = 0; i < prune->count; i++)
		if (case_is_everything(&prune->cases[i]))
			return true;
	return false;
}

bool prune_equal(const struct prune *a, const struct prune *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!names_equal(&a->cases[i].accounts, &b->cases[i].accounts) ||
			!names_equal(&a->cases[i].regions, &b->cases[i].regions) ||
			!range_equal(a->cases[i].end, b->cases[i].end) ||
			!range_equal(a->cases[i].start, b->cases[i].start))
			return false;
	return true;
}

static struct prune_range range_and(struct prune_range a, struct prune_range b)
{
	return (struct prune_range){fmax(a.low, b.low), fmin(a.high, b.high)};
}

/* Nothing can be in it. */
static bool case_is_empty(const struct prune_case *one)
{
	return one->end.low > one->end.high || one->start.low > one->start.high ||
	       (one->accounts.is_set && one->accounts.count == 0) ||
	       (one->regions.is_set && one->regions.count == 0);
}

void prune_and(struct prune *prune, struct prune *other)
{
	struct prune both = {0};

	/* One of the two is enough to be right. */
	if (prune->count * other->count > PRUNE_CASES_MAX) {
		prune_done(other);
		return;
	}
	both.cases = mem_new(prune->count * other->count, sizeof(*both.cases));
	for (size_t i = 0; i < prune->count; i++)
		for (size_t j = 0; j < other->count; j++) {
			const struct prune_case *a = &prune->cases[i], *b = &other->cases[j];
			struct prune_case *one = &both.cases[both.count++];
			names_and(&one->accounts, &a->accounts, &b->accounts);
			names_and(&one->regions, &a->regions, &b->regions);
			one->end = range_and(a->end, b->end);
			one->start = range_and(a->start, b->start);
			if (case_is_empty(one))
				case_done(&both.cases[--both.count]);
		}
	prune_done(prune);
	prune_done(other);
	*prune = both;
}

void prune_or(struct prune *prune, struct prune *other)
{
	if (prune->count + other->count > PRUNE_CASES_MAX) {
		prune_done(prune);
		prune_done(other);
		prune_init(prune);
		return;
	}
	prune->cases = mem_grow(prune->cases, prune->count + other->count, sizeof(*prune->cases));
	if (other->count)
		memcpy(prune->cases + prune->count, other->cases,
			other->count * sizeof(*prune->cases));
	prune->count += other->count;
	free(other->cases); /* what they own has moved */
	*other = (struct prune){0};
}

/* ---- keys ---- */

static bool is_digits(struct str text, size_t n)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < '0' || text.p[i] > '9')
			return false;
	return text.n == n;
}

/* Year, month, day, hour, minute as far as they are known (-1). False: they are no time. */
struct stamp {
	int part[5];
};

static int64_t seconds_of(int year, int month, int day, int hour, int minute)
{
	struct tm time = {.tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = day,
		.tm_hour = hour,
		.tm_min = minute};

	return timegm(&time);
}

static void narrow(struct prune_facts *facts, const struct stamp *stamp)
{
	const int *part = stamp->part;
	int64_t low, high;

	if (part[0] < 0)
		return;
	int month = part[1] < 0 ? 1 : part[1], day = part[1] < 0 || part[2] < 0 ? 1 : part[2];
	int hour = day == part[2] && part[3] >= 0 ? part[3] : 0;
	int minute = part[4] < 0 ? 0 : part[4];
	low = seconds_of(part[0], month, day, hour, minute);
	if (part[1] < 0)
		high = seconds_of(part[0] + 1, 1, 1, 0, 0);
	else if (part[2] < 0)
		high = seconds_of(part[0], part[1] + 1, 1, 0, 0);
	else if (part[3] < 0)
		high = low + 86400;
	else
		high = low + (part[4] < 0 ? 3600 : 300);
	if (low > facts->low)
		facts->low = low;
	if (high - 1 < facts->high)
		facts->high = high - 1;
}

static bool read_part(struct str text, size_t digits, int least, int most, int *ret_part)
{
	uint64_t value;

	if (!is_digits(text, digits) || !number_parse(text, (uint64_t)most, &value) ||
		value < (uint64_t)least)
		return false;
	*ret_part = (int)value;
	return true;
}

static const struct {
	struct str name;
	size_t digits;
	int least, most;
} parts[] = {
	{STR("year="), 4, 1970, 9999},
	{STR("month="), 2, 1, 12},
	{STR("day="), 2, 1, 31},
	{STR("hour="), 2, 0, 23},
};

static bool take_prefix(struct str *text, struct str prefix)
{
	if (!str_starts_with(*text, prefix))
		return false;
	*text = (struct str){text->p + prefix.n, text->n - prefix.n};
	return true;
}

/* One folder below AWSLogs/; at counts them. Hive's say their name, the others go by place. False:
 * what is below is of no known layout. */
static bool read_folder(
	struct prune_facts *facts, struct stamp *stamp, unsigned at, struct str folder)
{
	if (take_prefix(&folder, STR("aws-account-id=")) || (at == 0 && is_digits(folder, 12))) {
		if (is_digits(folder, 12))
			facts->account = folder;
	} else if (take_prefix(&folder, STR("aws-service=")) || at == 1) {
		facts->is_other = !str_equal(folder, STR("vpcflowlogs"));
		return !facts->is_other;
	} else if (take_prefix(&folder, STR("aws-region=")) || at == 2) {
		facts->region = folder;
	} else if (at >= 3 && at < 3 + ARRAY_SIZE(parts)) {
		take_prefix(&folder, parts[at - 3].name);
		if (!read_part(folder, parts[at - 3].digits, parts[at - 3].least,
			    parts[at - 3].most, &stamp->part[at - 3]))
			return false;
		facts->has_hour = at == 6;
	} else {
		return false;
	}
	return true;
}

/* ACCOUNT_vpcflowlogs_REGION_fl-ID_YYYYMMDDTHHMMZ_HASH.SUFFIX */
static void read_name(struct prune_facts *facts, struct str name)
{
	struct str part[6] = {{0}}, stamp;
	struct stamp time = {{-1, -1, -1, -1, -1}};

	for (size_t i = 0; i < ARRAY_SIZE(part); i++)
		if (!str_split(&name, '_', &part[i]))
			return;
	stamp = part[4];
	if (name.p || !is_digits(part[0], 12) || !str_equal(part[1], STR("vpcflowlogs")) ||
		!str_starts_with(part[3], STR("fl-")) || stamp.n != 14 || stamp.p[8] != 'T' ||
		stamp.p[13] != 'Z' ||
		!read_part((struct str){stamp.p, 4}, 4, 1970, 9999, &time.part[0]) ||
		!read_part((struct str){stamp.p + 4, 2}, 2, 1, 12, &time.part[1]) ||
		!read_part((struct str){stamp.p + 6, 2}, 2, 1, 31, &time.part[2]) ||
		!read_part((struct str){stamp.p + 9, 2}, 2, 0, 23, &time.part[3]) ||
		!read_part((struct str){stamp.p + 11, 2}, 2, 0, 59, &time.part[4]))
		return;
	/* Where the folders say something else, they have the last word: they are asked first. */
	if (!facts->account.p)
		facts->account = part[0];
	if (!facts->region.p)
		facts->region = part[2];
	facts->flow_log = part[3];
	narrow(facts, &time);
}

void prune_read_key(struct str key, struct prune_facts *ret_facts)
{
	struct prune_facts facts = {.low = INT64_MIN, .high = INT64_MAX};
	struct stamp stamp = {{-1, -1, -1, -1, -1}};
	struct str part, rest = key;
	bool is_below = false, is_known = true;
	unsigned at = 0;

	while (str_split(&rest, '/', &part)) {
		if (!rest.p) {
			read_name(&facts, part);
			break;
		}
		/* The first one counts, so that a folder says nothing that a key below it denies.
		 */
		if (is_below && is_known)
			is_known = read_folder(&facts, &stamp, at++, part);
		else if (!is_below)
			is_below = str_equal(part, STR("AWSLogs"));
	}
	narrow(&facts, &stamp);
	*ret_facts = facts;
}

static bool case_may_match(const struct prune_case *one, const struct prune_facts *facts)
{
	if (one->accounts.is_set && facts->account.p && !names_have(&one->accounts, facts->account))
		return false;
	if (one->regions.is_set && facts->region.p && !names_have(&one->regions, facts->region))
		return false;
	if (facts->high != INT64_MAX &&
		(one->end.low > (double)facts->high || one->start.low > (double)facts->high))
		return false;
	return facts->low == INT64_MIN ||
	       (one->end.high >= (double)facts->low &&
		       one->start.high >= (double)(facts->low - PRUNE_START_SECONDS));
}

bool prune_may_match(const struct prune *prune, struct str key)
{
	struct prune_facts facts;

	prune_read_key(key, &facts);
	for (size_t i = 0; i < prune->count; i++)
		if (case_may_match(&prune->cases[i], &facts))
			return true;
	return false;
}

bool prune_may_match_below(const struct prune *prune, struct str prefix)
{
	/* The name behind the last '/' is empty, and says nothing. */
	return prune_may_match(prune, prefix);
}
