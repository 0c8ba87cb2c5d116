/* What an alarm does when its state changes: posts the notification that SNS would hand on, or runs
 * a command with it on standard input, whichever the operator gave the action's ARN. Both have
 * TIMEOUT_SECONDS; how it went is in the alarm's history. */
#include "api/monitoring/monitoring_priv.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#define TIMEOUT_SECONDS 10

static void write_time(char text[static 40], int64_t ms)
{
	time_t time = (time_t)(ms / 1000);
	struct tm date;

	gmtime_r(&time, &date);
	size_t n = strftime(text, 30, "%Y-%m-%dT%H:%M:%S", &date);
	snprintf(text + n, 40 - n, ".%03d+0000", (int)(ms % 1000));
}

/* As people know it. */
static const char *region_name(const char *region)
{
	static const struct {
		const char *region, *name;
	} regions[] = {
		{"af-south-1", "Africa (Cape Town)"},
		{"ap-east-1", "Asia Pacific (Hong Kong)"},
		{"ap-northeast-1", "Asia Pacific (Tokyo)"},
		{"ap-northeast-2", "Asia Pacific (Seoul)"},
		{"ap-northeast-3", "Asia Pacific (Osaka)"},
		{"ap-south-1", "Asia Pacific (Mumbai)"},
		{"ap-south-2", "Asia Pacific (Hyderabad)"},
		{"ap-southeast-1", "Asia Pacific (Singapore)"},
		{"ap-southeast-2", "Asia Pacific (Sydney)"},
		{"ap-southeast-3", "Asia Pacific (Jakarta)"},
		{"ap-southeast-4", "Asia Pacific (Melbourne)"},
		{"ca-central-1", "Canada (Central)"},
		{"ca-west-1", "Canada West (Calgary)"},
		{"cn-north-1", "China (Beijing)"},
		{"cn-northwest-1", "China (Ningxia)"},
		{"eu-central-1", "EU (Frankfurt)"},
		{"eu-central-2", "Europe (Zurich)"},
		{"eu-north-1", "EU (Stockholm)"},
		{"eu-south-1", "EU (Milan)"},
		{"eu-south-2", "Europe (Spain)"},
		{"eu-west-1", "EU (Ireland)"},
		{"eu-west-2", "EU (London)"},
		{"eu-west-3", "EU (Paris)"},
		{"il-central-1", "Israel (Tel Aviv)"},
		{"me-central-1", "Middle East (UAE)"},
		{"me-south-1", "Middle East (Bahrain)"},
		{"sa-east-1", "South America (Sao Paulo)"},
		{"us-east-1", "US East (N. Virginia)"},
		{"us-east-2", "US East (Ohio)"},
		{"us-gov-east-1", "AWS GovCloud (US-East)"},
		{"us-gov-west-1", "AWS GovCloud (US-West)"},
		{"us-west-1", "US West (N. California)"},
		{"us-west-2", "US West (Oregon)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		if (strcmp(regions[i].region, region) == 0)
			return regions[i].name;
	}
	return region;
}

/* Names are small here, and simple statistics in capitals. */
static void add_statistic(json_t *trigger, const json_t *alarm)
{
	static const struct {
		const char *name, *capitals;
	} names[] = {{"SampleCount", "SAMPLE_COUNT"}, {"Average", "AVERAGE"}, {"Sum", "SUM"},
		{"Minimum", "MINIMUM"}, {"Maximum", "MAXIMUM"}};
	struct str statistic = api_member_text(alarm, "Statistic");
	const json_t *extended = json_object_get(alarm, "ExtendedStatistic");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal(statistic, str_from(names[i].name)))
			json_object_set_new(trigger, "Statistic", json_string(names[i].capitals));
	}
	if (extended)
		json_object_set(trigger, "ExtendedStatistic", (json_t *)extended);
	if (statistic.p || extended)
		json_object_set_new(trigger, "StatisticType",
			json_string(extended ? "ExtendedStatistic" : "Statistic"));
}

static json_t *trigger_of(const json_t *alarm)
{
	static const char *const members[] = {"MetricName", "Namespace", "Unit", "Period",
		"EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold",
		"TreatMissingData", "Metrics"};
	static const char *const always[] = {
		"TreatMissingData", "EvaluateLowSampleCountPercentile"};
	json_t *trigger = json_object();
	json_t *dimensions = json_array();
	size_t i;
	json_t *dimension;

	for (i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *value = json_object_get(alarm, members[i]);
		if (value)
			json_object_set(trigger, members[i], value);
	}
	for (i = 0; i < ARRAY_SIZE(always); i++) {
		struct str text = api_member_text(alarm, always[i]);
		json_object_set_new(trigger, always[i], json_stringn(text.p ? text.p : "", text.n));
	}
	json_array_foreach(json_object_get(alarm, "Dimensions"), i, dimension)
	{
		json_array_append_new(dimensions,
			json_pack("{s:O, s:O}", "value", json_object_get(dimension, "Value"),
				"name", json_object_get(dimension, "Name")));
	}
	if (json_object_get(alarm, "Metrics"))
		json_decref(dimensions);
	else
		json_object_set_new(trigger, "Dimensions", dimensions);
	add_statistic(trigger, alarm);
	return trigger;
}

/* Of a composite alarm: the children that its reason names. */
static json_t *triggering_children(const json_t *alarm)
{
	struct str text = api_member_text(alarm, "StateReasonData");
	json_t *data = text.p ? json_loadb(text.p, text.n, 0, NULL) : NULL;
	json_t *list = json_array();
	size_t i;
	json_t *child;

	json_array_foreach(json_object_get(data, "triggeringAlarms"), i, child)
	{
		const json_t *state = json_object_get(child, "state");
		json_array_append_new(list,
			json_pack("{s:O*, s:{s:O*, s:O*}}", "Arn", json_object_get(child, "arn"),
				"State", "Value", json_object_get(state, "value"), "Timestamp",
				json_object_get(state, "timestamp")));
	}
	json_decref(data);
	return list;
}

/* What SNS delivers for an alarm. */
static char *notification(
	const struct monitoring *monitoring, const json_t *alarm, const json_t *before)
{
	json_t *description = json_object_get(alarm, "AlarmDescription");
	char changed[40];
	char configured[40];

	write_time(changed, api_member_number(alarm, "StateUpdatedTimestamp", 0));
	write_time(configured, api_member_number(alarm, "AlarmConfigurationUpdatedTimestamp", 0));
	json_t *message = json_pack(
		"{s:O, s:O*, s:s, s:s, s:O, s:O, s:s, s:s, s:O, s:O, s:O, s:O, s:O}", "AlarmName",
		json_object_get(alarm, "AlarmName"), "AlarmDescription", description,
		"AWSAccountId", monitoring->account, "AlarmConfigurationUpdatedTimestamp",
		configured, "NewStateValue", json_object_get(alarm, "StateValue"), "NewStateReason",
		json_object_get(alarm, "StateReason"), "StateChangeTime", changed, "Region",
		region_name(monitoring->region), "AlarmArn", json_object_get(alarm, "AlarmArn"),
		"OldStateValue", json_object_get(before, "StateValue"), "OKActions",
		json_object_get(alarm, "OKActions"), "AlarmActions",
		json_object_get(alarm, "AlarmActions"), "InsufficientDataActions",
		json_object_get(alarm, "InsufficientDataActions"));
	json_t *rule = json_object_get(alarm, "AlarmRule");
	if (rule) {
		json_object_set(message, "AlarmRule", rule);
		json_object_set_new(message, "TriggeringChildren", triggering_children(alarm));
	} else {
		json_object_set_new(message, "Trigger", trigger_of(alarm));
	}
	char *text = json_dumps(message, JSON_COMPACT);

	json_decref(message);
	return text;
}

/* The URL or command that an ARN has. */
static const char *target_of(const struct monitoring *monitoring, const char *arn)
{
	size_t n = strlen(arn);

	for (size_t i = 0; i < monitoring->actions_count; i++) {
		const char *action = monitoring->actions[i];
		if (action[0] == '*' && action[1] == '=')
			return action + 2;
		if (strncmp(action, arn, n) == 0 && action[n] == '=')
			return action + n + 1;
	}
	return NULL;
}

/* ---- a URL ---- */

static size_t ignore(char *bytes, size_t size, size_t count, void *context)
{
	return size * count;
}

static int post(const char *url, const char *body, char *why, size_t size)
{
	CURL *curl = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;

	if (!curl) {
		curl_slist_free_all(headers);
		snprintf(why, size, "libcurl does not start");
		return -1;
	}
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
	CURLcode code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	if (code != CURLE_OK)
		snprintf(why, size, "%s", curl_easy_strerror(code));
	else if (status / 100 != 2)
		snprintf(why, size, "the answer was %ld", status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	return code == CURLE_OK && status / 100 == 2 ? 0 : -1;
}

/* ---- a command ---- */

static void write_input(int fd, const char *text, int64_t deadline_ns)
{
	size_t n = strlen(text);

	while (n) {
		struct pollfd ready = {fd, POLLOUT, 0};
		int64_t left = (deadline_ns - clock_mono_ns()) / 1000000;
		if (left <= 0 || poll(&ready, 1, (int)left) <= 0)
			return;
		ssize_t written = write(fd, text, n);
		if (written < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (written > 0) {
			text += written;
			n -= (size_t)written;
		}
	}
}

/* Its exit status; -1: killed for taking too long. */
static int wait_for(pid_t pid, int64_t deadline_ns)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono_ns() > deadline_ns) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nanosleep(&(struct timespec){0, 20000000}, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int spawn(const char *command, int input, pid_t *ret_pid)
{
	char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, 0);
	int result = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return result;
}

static int run(const char *command, const char *body, char *why, size_t size)
{
	int64_t deadline = clock_mono_ns() + TIMEOUT_SECONDS * CLOCK_NS_PER_SECOND;
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0) {
		snprintf(why, size, "no pipe: %s", strerror(errno));
		return -1;
	}
	int result = spawn(command, pipes[0], &pid);
	close(pipes[0]);
	if (result != 0) {
		close(pipes[1]);
		snprintf(why, size, "%s", strerror(result));
		return -1;
	}
	fcntl(pipes[1], F_SETFL, O_NONBLOCK);
	write_input(pipes[1], body, deadline);
	close(pipes[1]);
	int status = wait_for(pid, deadline);
	if (status < 0)
		snprintf(why, size, "it took more than %d seconds", TIMEOUT_SECONDS);
	else if (status)
		snprintf(why, size, "it ended with status %d", status);
	return status ? -1 : 0;
}

/* ---- all of an alarm's ---- */

static void act(
	struct monitoring *monitoring, const json_t *alarm, const char *arn, const char *body)
{
	const char *target = target_of(monitoring, arn);
	char why[200] = "";
	char summary[255];
	int result;

	if (!target) {
		result = -1;
		snprintf(why, sizeof(why), "the server has no --alarm-action for it");
	} else if (strncmp(target, "http://", 7) == 0 || strncmp(target, "https://", 8) == 0) {
		result = post(target, body, why, sizeof(why));
	} else {
		result = run(target, body, why, sizeof(why));
	}
	snprintf(summary, sizeof(summary), "%s action %.150s%s%.60s",
		result == 0 ? "Successfully executed" : "Failed to execute", arn, *why ? ": " : "",
		why);
	json_t *data = json_pack("{s:s, s:s, s:s}", "actionState",
		result == 0 ? "Succeeded" : "Failed", "notificationResource", arn, "error", why);
	const struct store_alarm_event event = {"Action", summary, data};
	struct err err = ERR_INIT;
	store_alarm_tell(monitoring->metrics, api_member_text(alarm, "AlarmName"), &event, &err);
	json_decref(data);
}

void monitoring_act(struct monitoring *monitoring, const json_t *alarm, const json_t *before)
{
	struct str state = api_member_text(alarm, "StateValue");
	const json_t *actions =
		json_object_get(alarm, str_equal(state, STR("ALARM")) ? "AlarmActions"
				       : str_equal(state, STR("OK"))  ? "OKActions"
								      : "InsufficientDataActions");
	size_t i;
	json_t *arn;

	if (!json_array_size(actions) || json_is_false(json_object_get(alarm, "ActionsEnabled")))
		return;
	_cleanup_free_ char *body = notification(monitoring, alarm, before);
	json_array_foreach(actions, i, arn) act(monitoring, alarm, json_string_value(arn), body);
}
