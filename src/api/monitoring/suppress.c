/* Suppressors of composite alarms (CloudWatch user guide, "Alarm suppression"): while the
 * suppressor is in ALARM the composite alarm's actions wait. After it got its state the composite
 * alarm waits for the suppressor as long as ActionsSuppressorWaitPeriod says; after the suppressor
 * has left ALARM, as long as ActionsSuppressorExtensionPeriod says. What then still is in ALARM
 * acts; what has left it meanwhile does not. */
#include "api/monitoring/monitoring_priv.h"

#include <stdio.h>

static struct str name_of(const struct monitoring *monitoring, struct str suppressor)
{
	_cleanup_free_ char *prefix =
		mem_printf("arn:%s:cloudwatch:%s:%s:alarm:", monitoring->partition,
			monitoring->region, monitoring->account);
	struct str start = str_from(prefix);

	return str_starts_with(suppressor, start)
		       ? (struct str){suppressor.p + start.n, suppressor.n - start.n}
		       : suppressor;
}

static int refuse(struct aws_error *error, const char *what)
{
	return aws_error_set(error, AWS_ERROR_VALIDATION_ERROR, "%s", what);
}

int monitoring_check_suppressor(struct api_call *call, struct aws_error *error)
{
	struct monitoring *monitoring = monitoring_of(call);
	struct str suppressor = api_member_text(call->input, "ActionsSuppressor");
	int64_t wait = api_member_number(call->input, "ActionsSuppressorWaitPeriod", -1);
	int64_t extension = api_member_number(call->input, "ActionsSuppressorExtensionPeriod", -1);
	json_t *there = NULL;

	if (!suppressor.n)
		return wait >= 0 || extension >= 0
			       ? refuse(error,
					 "ActionsSuppressor is required when ActionsSuppressorWaitPeriod or ActionsSuppressorExtensionPeriod is given.")
			       : 0;
	if (wait < 0 || extension < 0)
		return refuse(error,
			"ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must be given with ActionsSuppressor, and not be negative.");
	struct str name = name_of(monitoring, suppressor);
	if (str_equal(name, api_member_text(call->input, "AlarmName")))
		return refuse(error, "An alarm cannot suppress its own actions.");
	if (store_alarm_get(monitoring->metrics, name, &there, &call->exchange->err) < 0)
		return monitoring_inner(call, error);
	bool is_there = there != NULL;
	json_decref(there);
	return is_there
		       ? 0
		       : aws_error_set(error, AWS_ERROR_VALIDATION_ERROR,
				 "Could not save the composite alarm as its ActionsSuppressor %.*s does not exist.",
				 (int)(suppressor.n < 300 ? suppressor.n : 300), suppressor.p);
}

/* ---- what holds the actions ---- */

struct hold {
	const char *by; /* ActionsSuppressedBy; NULL: nothing */
	char reason[600];
};

static int find_hold(struct monitoring *monitoring, const json_t *alarm, int64_t now_ms,
	struct hold *ret_hold, struct err *err)
{
	struct str suppressor = api_member_text(alarm, "ActionsSuppressor");
	int64_t wait = 1000 * api_member_number(alarm, "ActionsSuppressorWaitPeriod", 0);
	int64_t extension = 1000 * api_member_number(alarm, "ActionsSuppressorExtensionPeriod", 0);
	int64_t since = api_member_number(alarm, "StateTransitionedTimestamp", 0);
	json_t *there = NULL;

	*ret_hold = (struct hold){.by = NULL};
	if (!suppressor.n)
		return 0;
	if (store_alarm_get(monitoring->metrics, name_of(monitoring, suppressor), &there, err) < 0)
		return -1;
	int64_t left = api_member_number(there, "StateTransitionedTimestamp", 0);
	struct str before = api_member_text(alarm, "ActionsSuppressedBy");
	if (str_equal(api_member_text(there, "StateValue"), STR("ALARM"))) {
		ret_hold->by = "Alarm";
		snprintf(ret_hold->reason, sizeof(ret_hold->reason),
			"Actions are suppressed by %.*s, which is in ALARM.",
			(int)(suppressor.n < 300 ? suppressor.n : 300), suppressor.p);
	} else if (str_equal(before, STR("Alarm")) || str_equal(before, STR("ExtensionPeriod"))) {
		if (there && now_ms < left + extension)
			ret_hold->by = "ExtensionPeriod";
	} else if (str_equal(api_member_text(alarm, "StateValue"), STR("ALARM")) &&
		   now_ms < since + wait) {
		ret_hold->by = "WaitPeriod";
	}
	json_decref(there);
	if (ret_hold->by && *ret_hold->by != 'A')
		snprintf(ret_hold->reason, sizeof(ret_hold->reason),
			"Actions wait for the suppressor %.*s: %s of %lld seconds.",
			(int)(suppressor.n < 300 ? suppressor.n : 300), suppressor.p, ret_hold->by,
			(long long)(*ret_hold->by == 'W' ? wait : extension) / 1000);
	return 0;
}

static void write_hold(json_t *alarm, const struct hold *hold)
{
	if (hold->by) {
		json_object_set_new(alarm, "ActionsSuppressedBy", json_string(hold->by));
		json_object_set_new(alarm, "ActionsSuppressedReason", json_string(hold->reason));
	} else {
		json_object_del(alarm, "ActionsSuppressedBy");
		json_object_del(alarm, "ActionsSuppressedReason");
	}
}

int monitoring_suppress(struct monitoring *monitoring, json_t *changed, int64_t now_ms,
	bool *ret_is_suppressed, struct err *err)
{
	bool was_held = json_object_get(changed, "ActionsSuppressedBy") != NULL;
	bool is_alarm = str_equal(api_member_text(changed, "StateValue"), STR("ALARM"));
	struct hold hold;

	*ret_is_suppressed = false;
	if (!json_object_get(changed, "ActionsSuppressor"))
		return 0;
	if (find_hold(monitoring, changed, now_ms, &hold, err) < 0)
		return -1;
	/* Nobody heard of the alarm: nobody needs to hear that it is over. */
	*ret_is_suppressed = hold.by || (was_held && !is_alarm);
	write_hold(changed, &hold);
	return 0;
}

int monitoring_release(
	struct monitoring *monitoring, const json_t *there, int64_t now_ms, struct err *err)
{
	struct str before = api_member_text(there, "ActionsSuppressedBy");
	bool is_alarm = str_equal(api_member_text(there, "StateValue"), STR("ALARM"));
	bool written = false;
	struct hold hold;

	if (!before.p)
		return 0;
	if (find_hold(monitoring, there, now_ms, &hold, err) < 0)
		return -1;
	if (hold.by && str_equal(before, str_from(hold.by)))
		return 0;
	json_t *alarm = json_deep_copy(there);
	write_hold(alarm, &hold);
	int result = store_alarm_put(monitoring->metrics, alarm, there, NULL, &written, err);
	if (result == 0 && written && !hold.by && is_alarm)
		monitoring_act(monitoring, alarm, there);
	json_decref(alarm);
	return result;
}
