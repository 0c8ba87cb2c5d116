/* Composite alarms: alarms whose state follows from those of others by a rule (CloudWatch API
 * reference, PutCompositeAlarm):
 *
 *   rule := term { OR term }   term := factor { AND factor }   factor := [NOT] (TRUE | FALSE |
 *   ALARM(name) | OK(name) | INSUFFICIENT_DATA(name) | (rule)); a name or ARN, in quotes or not
 *
 * They are alarms among the others in the store, told apart by their AlarmRule. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

enum { DEPTH_MAX = 50, ELEMENTS_MAX = 500, CHILDREN_MAX = 100 };

struct rule {
	struct monitoring *monitoring;
	struct str text;
	size_t at;
	unsigned depth, elements;
	json_t *children; /* names, each once */
	bool reads;       /* states, too */
	struct err *inner;
	bool has_failed; /* inner tells */
	char why[200];   /* the rule is wrong */
};

static bool fail(struct rule *rule, const char *expected)
{
	if (!*rule->why)
		snprintf(rule->why, sizeof(rule->why),
			"AlarmRule must be a valid expression: at position %zu expected %s.",
			rule->at + 1, expected);
	return false;
}

static void skip_blanks(struct rule *rule)
{
	while (rule->at < rule->text.n && strchr(" \t\r\n", rule->text.p[rule->at]))
		rule->at++;
}

static bool take_sign(struct rule *rule, char sign)
{
	skip_blanks(rule);
	if (rule->at >= rule->text.n || rule->text.p[rule->at] != sign)
		return false;
	rule->at++;
	return true;
}

/* A keyword, when it is next. */
static bool take_word(struct rule *rule, const char *word)
{
	size_t n = strlen(word);

	skip_blanks(rule);
	struct str rest = {rule->text.p + rule->at, rule->text.n - rule->at};
	if (rest.n < n || strncmp(rest.p, word, n) != 0 ||
		(rest.n > n && !strchr(" \t\r\n()", rest.p[n])))
		return false;
	rule->at += n;
	return true;
}

/* Behind the function's name: its alarm. */
static bool take_name(struct rule *rule, struct str *ret_name)
{
	if (!take_sign(rule, '('))
		return fail(rule, "'('");
	bool is_quoted = take_sign(rule, '"');
	skip_blanks(rule);
	size_t start = rule->at;
	while (rule->at < rule->text.n && rule->text.p[rule->at] != (is_quoted ? '"' : ')'))
		rule->at++;
	struct str name = {rule->text.p + start, rule->at - start};
	while (name.n && name.p[name.n - 1] == ' ' && !is_quoted)
		name.n--;
	if ((is_quoted && !take_sign(rule, '"')) || !take_sign(rule, ')'))
		return fail(rule, "')'");
	_cleanup_free_ char *prefix =
		mem_printf("arn:%s:cloudwatch:%s:%s:alarm:", rule->monitoring->partition,
			rule->monitoring->region, rule->monitoring->account);
	if (str_starts_with(name, str_from(prefix)))
		name = (struct str){name.p + strlen(prefix), name.n - strlen(prefix)};
	*ret_name = name;
	return name.n || fail(rule, "the name of an alarm");
}

static void note_child(struct rule *rule, struct str name)
{
	size_t i;
	json_t *child;

	json_array_foreach(rule->children, i, child)
	{
		if (str_equal(str_from(json_string_value(child)), name))
			return;
	}
	json_array_append_new(rule->children, json_stringn(name.p, name.n));
}

static bool is_in_state(struct rule *rule, struct str name, const char *state)
{
	json_t *alarm = NULL;

	note_child(rule, name);
	if (!rule->reads || rule->has_failed)
		return false;
	if (store_alarm_get(rule->monitoring->metrics, name, &alarm, rule->inner) < 0)
		rule->has_failed = true;
	bool result = alarm && str_equal(api_member_text(alarm, "StateValue"), str_from(state));
	json_decref(alarm);
	return result;
}

/* DEPTH_MAX deep. NOLINTBEGIN(misc-no-recursion) */
static bool parse_any(struct rule *rule, bool *ret_value);

static bool parse_factor(struct rule *rule, bool *ret_value)
{
	static const char *const states[] = {"ALARM", "OK", "INSUFFICIENT_DATA"};
	bool is_inverted = false;
	struct str name;

	if (++rule->elements > ELEMENTS_MAX)
		return fail(rule, "no more than 500 elements");
	while (take_word(rule, "NOT"))
		is_inverted = !is_inverted;
	if (take_word(rule, "TRUE")) {
		*ret_value = !is_inverted;
		return true;
	}
	if (take_word(rule, "FALSE")) {
		*ret_value = is_inverted;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (!take_word(rule, states[i]))
			continue;
		if (!take_name(rule, &name))
			return false;
		*ret_value = is_in_state(rule, name, states[i]) != is_inverted;
		return true;
	}
	if (!take_sign(rule, '('))
		return fail(rule, "ALARM, OK, INSUFFICIENT_DATA, TRUE, FALSE, NOT or '('");
	if (++rule->depth > DEPTH_MAX)
		return fail(rule, "no more than 50 parentheses in one another");
	if (!parse_any(rule, ret_value))
		return false;
	rule->depth--;
	*ret_value = *ret_value != is_inverted;
	return take_sign(rule, ')') || fail(rule, "')'");
}

static bool parse_all(struct rule *rule, bool *ret_value)
{
	bool value = false;

	if (!parse_factor(rule, ret_value))
		return false;
	while (take_word(rule, "AND")) {
		if (!parse_factor(rule, &value))
			return false;
		*ret_value = *ret_value && value;
	}
	return true;
}

static bool parse_any(struct rule *rule, bool *ret_value)
{
	bool value = false;

	if (!parse_all(rule, ret_value))
		return false;
	while (take_word(rule, "OR")) {
		if (!parse_all(rule, &value))
			return false;
		*ret_value = *ret_value || value;
	}
	return true;
}
/* NOLINTEND(misc-no-recursion) */

static bool parse_rule(struct rule *rule, bool *ret_value)
{
	rule->children = json_array();
	if (!parse_any(rule, ret_value))
		return false;
	skip_blanks(rule);
	return rule->at == rule->text.n || fail(rule, "AND, OR or the end");
}

json_t *monitoring_children(struct monitoring *monitoring, const json_t *alarm)
{
	struct rule rule = {.monitoring = monitoring, .text = api_member_text(alarm, "AlarmRule")};
	bool value = false;

	parse_rule(&rule, &value);
	return rule.children;
}

/* ---- PutCompositeAlarm ---- */

/* Children are there, and none of them, or of theirs, is the alarm itself.
 * NOLINTNEXTLINE(misc-no-recursion): DEPTH_MAX deep. */
static int check_children(struct api_call *call, const json_t *children, struct str own,
	unsigned depth, struct aws_error *error)
{
	struct monitoring *monitoring = monitoring_of(call);
	size_t i;
	json_t *child;

	json_array_foreach(children, i, child)
	{
		json_t *alarm = NULL;
		if (str_equal(str_from(json_string_value(child)), own) || depth > DEPTH_MAX)
			return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
				"The alarm rule of %.*s must not depend on itself.",
				(int)(own.n < 255 ? own.n : 255), own.p);
		if (store_alarm_get(monitoring->metrics, str_from(json_string_value(child)), &alarm,
			    &call->exchange->err) < 0)
			return monitoring_inner(call, error);
		if (!alarm && depth == 0)
			return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
				"Could not save the composite alarm as alarms [%.255s] in the "
				"alarm rule do not exist.",
				json_string_value(child));
		int result = 0;
		if (alarm && json_object_get(alarm, "AlarmRule")) {
			json_t *more = monitoring_children(monitoring, alarm);
			result = check_children(call, more, own, depth + 1, error);
			json_decref(more);
		}
		json_decref(alarm);
		if (result < 0)
			return -1;
	}
	return 0;
}

int monitoring_check_rule(struct api_call *call, struct aws_error *error)
{
	struct rule rule = {.monitoring = monitoring_of(call),
		.text = api_member_text(call->input, "AlarmRule")};
	bool value = false;
	int result = 0;

	if (monitoring_check_suppressor(call, error) < 0)
		return -1;
	if (!parse_rule(&rule, &value))
		result = aws_error_set(error, AWS_ERROR_VALIDATION_ERROR, "%s", rule.why);
	else if (json_array_size(rule.children) > CHILDREN_MAX)
		result = aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
			"AlarmRule must not have more than %d alarms.", CHILDREN_MAX);
	else
		result = check_children(
			call, rule.children, api_member_text(call->input, "AlarmName"), 0, error);
	json_decref(rule.children);
	return result;
}

/* ---- its state ---- */

/* The child whose state changed last is why; NULL: there is none. */
static json_t *trigger_of(struct rule *rule)
{
	json_t *latest = NULL;
	size_t i;
	json_t *name;

	json_array_foreach(rule->children, i, name)
	{
		json_t *child = NULL;
		if (store_alarm_get(rule->monitoring->metrics, str_from(json_string_value(name)),
			    &child, rule->inner) < 0)
			rule->has_failed = true;
		if (child && (!latest || api_member_number(child, "StateTransitionedTimestamp", 0) >
						 api_member_number(latest,
							 "StateTransitionedTimestamp", 0))) {
			json_decref(latest);
			latest = json_incref(child);
		}
		json_decref(child);
	}
	return latest;
}

static void write_moment(const json_t *alarm, const char *format, char text[static 64])
{
	time_t time = (time_t)(api_member_number(alarm, "StateTransitionedTimestamp", 0) / 1000);
	struct tm date;

	gmtime_r(&time, &date);
	strftime(text, 64, format, &date);
}

static int change(
	struct rule *rule, const json_t *alarm, const char *state, int64_t now_ms, struct err *err)
{
	json_t *trigger = trigger_of(rule);
	json_t *data = NULL;
	char reason[1000];
	char moment[64];

	if (trigger) {
		write_moment(trigger, "%A %d %B, %Y %H:%M:%S UTC", moment);
		snprintf(reason, sizeof(reason), "%s transitioned to %s at %s",
			api_member_text(trigger, "AlarmArn").p,
			api_member_text(trigger, "StateValue").p, moment);
		write_moment(trigger, "%Y-%m-%dT%H:%M:%S", moment);
		size_t n = strlen(moment);
		snprintf(moment + n, sizeof(moment) - n, ".%03d+0000",
			(int)(api_member_number(trigger, "StateTransitionedTimestamp", 0) % 1000));
		data = json_pack("{s:[{s:O, s:{s:O, s:s}}]}", "triggeringAlarms", "arn",
			json_object_get(trigger, "AlarmArn"), "state", "value",
			json_object_get(trigger, "StateValue"), "timestamp", moment);
	} else {
		snprintf(reason, sizeof(reason), "The alarm rule is %s.",
			*state == 'A' ? "true" : "false");
	}
	int result =
		monitoring_change_state(rule->monitoring, alarm, state, reason, data, now_ms, err);
	json_decref(data);
	json_decref(trigger);
	/* Those that depend on this one. */
	monitoring_wake(rule->monitoring);
	return result;
}

/* States of the composite alarms among them, one after the other. */
static void add_states(const json_t *alarms, struct buf *ret_states)
{
	size_t i;
	json_t *alarm;

	json_array_foreach(alarms, i, alarm)
	{
		if (json_object_get(alarm, "AlarmRule"))
			buf_add_char(ret_states, *api_member_text(alarm, "StateValue").p);
	}
}

static int follow_once(
	struct monitoring *monitoring, const json_t *alarms, int64_t now_ms, struct err *err)
{
	size_t i;
	json_t *alarm;

	json_array_foreach(alarms, i, alarm)
	{
		if (json_object_get(alarm, "AlarmRule") &&
			monitoring_evaluate_rule(monitoring, alarm, now_ms, err) < 0)
			return -1;
	}
	return 0;
}

int monitoring_follow(struct monitoring *monitoring, int64_t now_ms, struct err *err)
{
	_cleanup_buf_ struct buf before = {0};

	/* Those over composite alarms follow with the next pass. */
	for (unsigned pass = 0; pass < DEPTH_MAX; pass++) {
		_cleanup_buf_ struct buf states = {0};
		json_t *alarms;
		if (store_alarms_list(monitoring->metrics, &alarms, err) < 0)
			return -1;
		add_states(alarms, &states);
		bool is_over = !states.n || (pass && str_equal(buf_str(&states), buf_str(&before)));
		int result = is_over ? 0 : follow_once(monitoring, alarms, now_ms, err);
		json_decref(alarms);
		if (is_over || result < 0)
			return result;
		before.n = 0;
		buf_add_str(&before, buf_str(&states));
	}
	return 0;
}

int monitoring_evaluate_rule(
	struct monitoring *monitoring, const json_t *alarm, int64_t now_ms, struct err *err)
{
	struct rule rule = {.monitoring = monitoring,
		.text = api_member_text(alarm, "AlarmRule"),
		.reads = true,
		.inner = err};
	bool value = false;

	bool is_good = parse_rule(&rule, &value);
	const char *state = value ? "ALARM" : "OK";
	int result = rule.has_failed ? -1 : 0;
	if (is_good && !rule.has_failed &&
		!str_equal(api_member_text(alarm, "StateValue"), str_from(state)))
		result = change(&rule, alarm, state, now_ms, err);
	else if (is_good && !rule.has_failed)
		result = monitoring_release(monitoring, alarm, now_ms, err);
	json_decref(rule.children);
	return result;
}
