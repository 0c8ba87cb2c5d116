/* Spools of flow logs that are no more. Those that the server has deleted are sent from for some
 * seconds and removed (agent/flow_logs.c); what is left here are those of a configuration that has
 * changed, of an agent that was killed in those seconds, or of a server that knows none of its flow
 * logs any more, which is more likely an accident than a wish. They are kept for a day. */
#include "agent/agent_priv.h"

#include "base/clock.h"
#include "deliver/orphans.h"

#include <string.h>

#define LOOK_NS INT64_C(10000000000)
#define KEEP_S  86400

static bool is_known(void *context, const char *id)
{
	const struct agent *agent = context;

	for (size_t i = 0; i < agent->flow_logs_count; i++) {
		if (strcmp(agent->flow_logs[i]->id, id) == 0)
			return true;
	}
	return false;
}

static void report(struct agent *agent, const struct deliver_orphan *orphans, size_t count)
{
	struct agent_board *board = agent->board;

	pthread_mutex_lock(&board->lock);
	struct agent_report *told = &board->report;
	told->kept = mem_grow(told->kept, count + 1, sizeof(told->kept[0]));
	told->kept_count = count;
	for (size_t i = 0; i < count; i++) {
		struct agent_kept_report *kept = &told->kept[i];
		*kept = (struct agent_kept_report){.bytes = orphans[i].bytes,
			.until_ms = orphans[i].since_ms + KEEP_S * INT64_C(1000)};
		memcpy(kept->id, orphans[i].id, strnlen(orphans[i].id, sizeof(kept->id) - 1));
	}
	pthread_mutex_unlock(&board->lock);
}

int64_t agent_orphans_due(const struct agent *agent)
{
	/* Before the server has said which there are, nobody knows. */
	if (!agent->options->folder || (agent->options->server && !agent->has_heard))
		return INT64_MAX;
	return agent->orphans_at_ns;
}

void agent_look_for_orphans(struct agent *agent)
{
	int64_t now_ns = clock_mono_ns();
	struct deliver_orphan *orphans = NULL;
	struct err err = ERR_INIT;
	size_t count = 0;

	if (now_ns < agent_orphans_due(agent))
		return;
	_cleanup_free_ char *folder = mem_printf("%s/spool", agent->options->folder);
	int result = deliver_orphans_look(folder, is_known, agent, KEEP_S, &orphans, &count, &err);
	agent->orphans_at_ns = result < 0 || count ? now_ns + LOOK_NS : INT64_MAX;
	if (result < 0) {
		agent_warn(agent, &err);
		return;
	}
	agent->has_news |= count || agent->board->report.kept_count;
	report(agent, orphans, count);
	free(orphans);
}
