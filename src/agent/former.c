/* The agent that ran over this folder before. The kernel's table dies with a process: one that is
 * killed loses what it had counted in its open windows, and the time until the next one starts is
 * not recorded either. Its last status, which no orderly end has marked, says so and for which
 * interfaces; their first window says SKIPDATA. An end that could not write its last windows is
 * not marked. */
#include "agent/agent_priv.h"

#include "agent/status_priv.h"

#include <stdio.h>
#include <string.h>

static bool was_captured(const json_t *captured, const char *id)
{
	const json_t *item;
	size_t i;

	json_array_foreach(captured, i, item)
	{
		const char *text = json_string_value(item);
		if (text && strcmp(text, id) == 0)
			return true;
	}
	return false;
}

void agent_former_say_lost(struct agent *agent)
{
	struct agent_report *report = &agent->board->report;
	json_t *status = NULL;

	/* None at the first start, and one that cannot be read says nothing. */
	if (!agent->options->folder || agent_status_read(agent->options->folder, &status, NULL) < 0)
		return;
	if (!json_is_true(json_object_get(status, "IsStopped"))) {
		const json_t *captured = json_object_get(status, "Captured");
		report->former_ended_ms =
			(int64_t)(json_number_value(json_object_get(status, "Time")) * 1000);
		for (size_t i = 0; i < agent->devices_count; i++) {
			struct agent_device *device = agent->devices[i];
			if (!device || !device->is_attached ||
				!was_captured(captured, device->interface.id))
				continue;
			agent_groups_skip(agent, device, 0, 0);
			report->former_interfaces++;
		}
	}
	json_decref(status);
}

void agent_former_mark_stopped(struct agent *agent)
{
	struct agent_report *report = &agent->board->report; /* there are no threads any more */
	_cleanup_free_ char *path = mem_printf(
		"%s/" AGENT_STATUS_FILE, agent->options->folder ? agent->options->folder : "");
	struct err err = ERR_INIT;

	if (!agent->options->folder)
		return;
	report->is_stopped = true;
	json_t *status = agent_status_json(report);
	char *text = json_dumps(status, JSON_INDENT(1));
	if (text && agent_status_write(path, str_from(text), &err) < 0)
		agent_warn(agent, &err);
	free(text);
	json_decref(status);
}
