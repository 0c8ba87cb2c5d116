#include "cli/agent_status.h"

#include "agent/status.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define STALE_SECONDS 12

static const char *text(const json_t *object, const char *name)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value ? value : "";
}

static double number(const json_t *object, const char *name)
{
	return json_number_value(json_object_get(object, name));
}

static long long count(const json_t *object, const char *name)
{
	return (long long)json_integer_value(json_object_get(object, name));
}

/* Control characters of what servers said never reach the terminal. */
static void print_clean(const char *value)
{
	for (; *value; value++)
		putchar((unsigned char)*value < ' ' || *value == 127 ? '?' : *value);
}

static void print_flow_log(const json_t *flow_log)
{
	const char *fault = text(flow_log, "Fault");

	printf("%-20s  %-6s  %4llds  %-21s  %10lld  %9lld  %7lld  %6lld  %9lld  %5.0fs  ",
		text(flow_log, "FlowLogId"), text(flow_log, "TrafficType"),
		count(flow_log, "MaxAggregationInterval"), text(flow_log, "LogDestinationType"),
		count(flow_log, "Records"), count(flow_log, "SpoolBytes"),
		count(flow_log, "Retries"), count(flow_log, "GivenUp"), count(flow_log, "Batches"),
		number(flow_log, "LagSeconds"));
	print_clean(*fault ? fault : "ok");
	if (*fault) {
		fputs(": ", stdout);
		print_clean(text(flow_log, "Message"));
	}
	putchar('\n');
}

static bool is_stopped(const json_t *status)
{
	return json_is_true(json_object_get(status, "IsStopped"));
}

static void print_time(double time, char ret_text[static 32])
{
	time_t seconds = (time_t)time;
	struct tm parts;

	localtime_r(&seconds, &parts);
	strftime(ret_text, 32, "%F %T", &parts);
}

static void print_killed(const json_t *killed)
{
	char when[32];

	print_time(number(killed, "Time"), when);
	printf("The agent before this one was killed about %s: what it had counted in its open "
	       "windows is lost (SKIPDATA on %lld interfaces)\n",
		when, count(killed, "Interfaces"));
}

static void print_kept(const json_t *list)
{
	const json_t *kept;
	size_t i;

	json_array_foreach(list, i, kept)
	{
		char when[32];
		print_time(number(kept, "Until"), when);
		printf("Flow log %s is no more; the %lld bytes that wait for it are kept until "
		       "%s\n",
			text(kept, "FlowLogId"), count(kept, "SpoolBytes"), when);
	}
}

static void print_table(const json_t *status, double age, bool is_running)
{
	const json_t *server = json_object_get(status, "Server"), *flow_log;
	const json_t *killed = json_object_get(status, "Killed");
	size_t i;

	printf("%s, %lld interfaces, %lld packets (%lld rejected, %lld not attributed), %lld open "
	       "flows\n",
		is_stopped(status)    ? "Not running (stopped)"
		: !is_running         ? "Not running"
		: age > STALE_SECONDS ? "Stuck"
				      : "Running",
		count(status, "Interfaces"), count(status, "Packets"),
		count(status, "RejectedPackets"), count(status, "MissedPackets"),
		count(status, "OpenFlows"));
	if (!is_running || age > STALE_SECONDS)
		printf("Last heard of %.0f s ago\n", age);
	if (killed)
		print_killed(killed);
	print_kept(json_object_get(status, "Kept"));
	if (server && !json_is_true(json_object_get(server, "IsReached"))) {
		fputs("The server is not reached: ", stdout);
		print_clean(text(server, "Message"));
		putchar('\n');
	}
	printf("\n%-20s  %-6s  %5s  %-21s  %10s  %9s  %7s  %6s  %9s  %6s  %s\n", "flow log", "type",
		"every", "destination", "delivered", "spooled", "retries", "lost", "batches", "lag",
		"state");
	json_array_foreach(json_object_get(status, "FlowLogs"), i, flow_log)
		print_flow_log(flow_log);
}

int cli_agent_status(const char *folder, const struct agent_settings *settings, struct err *err)
{
	json_t *status = NULL;

	if (agent_status_read(folder, &status, err) < 0)
		return -1;
	bool is_running = agent_status_is_running(folder);
	double age = (double)clock_wall_ns() / 1e9 - number(status, "Time");
	if (settings->is_json) {
		json_dumpf(status, stdout, JSON_INDENT(2));
		putchar('\n');
	} else if (settings->is_metrics) {
		_cleanup_buf_ struct buf metrics = {0};
		agent_status_metrics(&metrics, status);
		fwrite(metrics.p, 1, metrics.n, stdout);
	} else {
		print_table(status, age, is_running);
	}
	if (!is_running || age > STALE_SECONDS || is_stopped(status))
		cli_exit_status = 1;
	json_decref(status);
	return 0;
}
