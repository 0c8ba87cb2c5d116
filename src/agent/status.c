#include "agent/status_priv.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#define STATUS_MAX ((size_t)64 << 20)

static const char *const faults[] = {NULL, "Access error", "Rate limited", "Unknown error"};

static json_t *seconds(int64_t ms)
{
	return json_real((double)ms / 1000);
}

/* Messages quote what servers and file systems said, which need not be UTF-8. */
static void put_text(json_t *object, const char *name, const char *value)
{
	json_t *text = json_string(value);

	json_object_set_new(object, name, text ? text : json_string("(not UTF-8)"));
}

json_t *agent_status_delivery(const struct agent_delivery_report *report)
{
	const struct deliver_status *status = &report->status;
	json_t *object = json_object();

	put_text(object, "FlowLogId", report->id);
	if (faults[status->fault]) {
		put_text(object, "Fault", faults[status->fault]);
		put_text(object, "Message", status->message);
	}
	json_object_set_new(object, "Records", json_integer((json_int_t)status->records));
	json_object_set_new(object, "Batches", json_integer((json_int_t)status->batches));
	json_object_set_new(object, "Retries", json_integer((json_int_t)status->retries));
	json_object_set_new(object, "GivenUp", json_integer((json_int_t)status->given_up));
	json_object_set_new(
		object, "SpoolBatches", json_integer((json_int_t)status->spool_batches));
	json_object_set_new(object, "SpoolBytes", json_integer((json_int_t)status->spool_bytes));
	if (status->oldest_ms)
		json_object_set_new(object, "Oldest", seconds(status->oldest_ms));
	if (status->delivered_ms)
		json_object_set_new(object, "Delivered", seconds(status->delivered_ms));
	return object;
}

static json_t *flow_log_json(const struct agent_report *report, size_t i)
{
	const struct agent_delivery_report *delivery = &report->deliveries[i];
	json_t *object = agent_status_delivery(delivery);
	int64_t oldest_ms = delivery->status.oldest_ms;

	put_text(object, "TrafficType", agent_traffic_name(delivery->traffic));
	put_text(object, "LogDestinationType", agent_kind_name(delivery->kind));
	put_text(object, "LogDestination", delivery->destination);
	json_object_set_new(
		object, "MaxAggregationInterval", json_integer((json_int_t)delivery->interval));
	json_object_set_new(object, "LagSeconds",
		seconds(oldest_ms && oldest_ms < report->time_ms ? report->time_ms - oldest_ms
								 : 0));
	json_object_set_new(object, "RecordsTaken", json_integer((json_int_t)delivery->records));
	return object;
}

static void put_former(json_t *object, const struct agent_report *report)
{
	if (report->is_stopped)
		json_object_set_new(object, "IsStopped", json_true());
	if (!report->former_ended_ms)
		return;
	json_t *former = json_object();
	json_object_set_new(former, "Time", seconds(report->former_ended_ms));
	json_object_set_new(
		former, "Interfaces", json_integer((json_int_t)report->former_interfaces));
	json_object_set_new(object, "Killed", former);
}

static void put_kept(json_t *object, const struct agent_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->kept_count; i++) {
		json_t *kept = json_object();
		put_text(kept, "FlowLogId", report->kept[i].id);
		json_object_set_new(
			kept, "SpoolBytes", json_integer((json_int_t)report->kept[i].bytes));
		json_object_set_new(kept, "Until", seconds(report->kept[i].until_ms));
		json_array_append_new(list, kept);
	}
	json_object_set_new(object, "Kept", list);
}

json_t *agent_status_json(const struct agent_report *report)
{
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {{"Interfaces", report->interfaces}, {"Packets", report->packets},
		{"RejectedPackets", report->rejected_packets}, {"Records", report->records},
		{"MissedPackets", report->missed_packets}, {"OpenFlows", report->flows}};
	json_t *object = json_object(), *flow_logs = json_array(), *captured = json_array();

	json_object_set_new(object, "StartTime", seconds(report->started_ms));
	json_object_set_new(object, "Time", seconds(report->time_ms));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		json_object_set_new(
			object, numbers[i].name, json_integer((json_int_t)numbers[i].value));
	json_object_set_new(object, "HasVerdicts", json_boolean(report->has_verdicts));
	if (report->has_server) {
		json_t *server = json_object();
		json_object_set_new(server, "IsReached", json_boolean(report->is_server_reached));
		put_text(server, "Message", report->server_said);
		json_object_set_new(object, "Server", server);
	}
	put_former(object, report);
	put_kept(object, report);
	for (size_t i = 0; i < report->captured_count; i++)
		json_array_append_new(captured, json_string(report->captured[i]));
	json_object_set_new(object, "Captured", captured);
	for (size_t i = 0; i < report->count; i++)
		json_array_append_new(flow_logs, flow_log_json(report, i));
	json_object_set_new(object, "FlowLogs", flow_logs);
	return object;
}

int agent_status_write(const char *path, struct str text, struct err *err)
{
	_cleanup_free_ char *draft = mem_printf("%s.new", path);
	_cleanup_close_ int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

	if (fd < 0)
		return err_set_errno(err, errno, "%s", draft);
	ssize_t written = write(fd, text.p, text.n);
	if (written < 0 || (size_t)written < text.n) {
		int error = written < 0 ? errno : ENOSPC;
		unlink(draft);
		return err_set_errno(err, error, "%s", draft);
	}
	if (rename(draft, path) < 0)
		return err_set_errno(err, errno, "%s", path);
	return 0;
}

int agent_status_read(const char *folder, json_t **ret_status, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/" AGENT_STATUS_FILE, folder);
	_cleanup_buf_ struct buf text = {0};

	if (file_read(path, STATUS_MAX, &text, err) < 0)
		return err_hint(err, "an agent that runs over this folder writes it");
	*ret_status = json_loadb(text.p, text.n, 0, NULL);
	return *ret_status ? 0 : err_set(err, ERR_INPUT, "%s: no status of an agent", path);
}

bool agent_status_is_running(const char *folder)
{
	_cleanup_free_ char *path = mem_printf("%s/" AGENT_MARK_FILE, folder);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* ---- Prometheus ---- */

static void add_total(struct buf *buf, const json_t *status, const char *member, const char *name,
	const char *type, const char *help)
{
	buf_printf(buf,
		"# HELP nagare_agent_%s %s\n# TYPE nagare_agent_%s %s\nnagare_agent_%s %lld\n",
		name, help, name, type, name,
		(long long)json_integer_value(json_object_get(status, member)));
}

static void add_by_flow_log(struct buf *buf, const json_t *status, const char *member,
	const char *name, const char *type, const char *help)
{
	const json_t *flow_log;
	size_t i;

	buf_printf(buf, "# HELP nagare_agent_%s %s\n# TYPE nagare_agent_%s %s\n", name, help, name,
		type);
	json_array_foreach(json_object_get(status, "FlowLogs"), i, flow_log)
	{
		const char *id = json_string_value(json_object_get(flow_log, "FlowLogId"));
		buf_printf(buf, "nagare_agent_%s{flow_log_id=\"%s\"} %.17g\n", name, id ? id : "",
			json_number_value(json_object_get(flow_log, member)));
	}
}

void agent_status_metrics(struct buf *buf, const json_t *status)
{
	static const struct {
		const char *member, *name, *type, *help;
	} totals[] = {{"Interfaces", "interfaces", "gauge", "Interfaces that are captured."},
		{"Packets", "packets_total", "counter", "Packets counted."},
		{"RejectedPackets", "rejected_packets_total", "counter",
			"Packets that the firewall dropped."},
		{"MissedPackets", "missed_packets_total", "counter",
			"Packets that are in no flow, said as SKIPDATA."},
		{"OpenFlows", "open_flows", "gauge", "Flows in the open windows."}},
	  deliveries[] = {{"RecordsTaken", "records_total", "counter", "Records for the flow log."},
		  {"Records", "delivered_records_total", "counter",
			  "Records that the destination has acknowledged."},
		  {"Batches", "delivered_batches_total", "counter",
			  "Objects or puts that the destination has acknowledged."},
		  {"Retries", "retries_total", "counter", "Attempts that had to be repeated."},
		  {"GivenUp", "given_up_records_total", "counter",
			  "Records lost to a full spool, said as SKIPDATA."},
		  {"SpoolBatches", "spool_batches", "gauge", "Batches that wait on disk."},
		  {"SpoolBytes", "spool_bytes", "gauge", "Bytes that wait on disk."},
		  {"LagSeconds", "lag_seconds", "gauge", "Age of the oldest batch that waits."}};

	for (size_t i = 0; i < ARRAY_SIZE(totals); i++)
		add_total(buf, status, totals[i].member, totals[i].name, totals[i].type,
			totals[i].help);
	for (size_t i = 0; i < ARRAY_SIZE(deliveries); i++)
		add_by_flow_log(buf, status, deliveries[i].member, deliveries[i].name,
			deliveries[i].type, deliveries[i].help);
}
