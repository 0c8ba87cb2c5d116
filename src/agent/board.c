#include "agent/board_priv.h"

#include "base/clock.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>

int agent_board_new(struct agent_board **ret_board, struct err *err)
{
	struct agent_board *board = mem_new(1, sizeof(*board));
	pthread_condattr_t attributes;

	board->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (board->wake < 0) {
		free(board);
		return err_set_errno(err, errno, "cannot make an eventfd");
	}
	pthread_mutex_init(&board->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&board->told, &attributes);
	pthread_condattr_destroy(&attributes);
	*ret_board = board;
	return 0;
}

void agent_board_free(struct agent_board *board)
{
	if (!board)
		return;
	agent_report_done(&board->report);
	for (size_t i = 0; i < board->flow_logs_count; i++)
		agent_flow_log_free(board->flow_logs[i]);
	free(board->flow_logs);
	free(board->attachments);
	free(board->inventory);
	mem_closep(&board->wake);
	pthread_cond_destroy(&board->told);
	pthread_mutex_destroy(&board->lock);
	free(board);
}

bool agent_board_wait(struct agent_board *board, int64_t wait_ms)
{
	int64_t until_ns = clock_mono_ns() + wait_ms * 1000000;
	struct timespec until = {.tv_sec = until_ns / CLOCK_NS_PER_SECOND,
		.tv_nsec = until_ns % CLOCK_NS_PER_SECOND};

	if (!board->is_stopping)
		pthread_cond_timedwait(&board->told, &board->lock, &until);
	return !board->is_stopping;
}

void agent_board_wake(struct agent_board *board)
{
	uint64_t one = 1;

	(void)!write(board->wake, &one, sizeof(one));
}

void agent_report_done(struct agent_report *report)
{
	free(report->deliveries);
	free(report->captured);
	free(report->kept);
	report->deliveries = NULL;
	report->captured = NULL;
	report->kept = NULL;
	report->count = report->captured_count = report->kept_count = 0;
}

struct agent_report agent_report_copy(const struct agent_report *report)
{
	struct agent_report copy = *report;

	copy.deliveries = mem_new(report->count + 1, sizeof(*copy.deliveries));
	if (report->count)
		memcpy(copy.deliveries, report->deliveries,
			report->count * sizeof(*copy.deliveries));
	copy.captured = mem_new(report->captured_count + 1, sizeof(*copy.captured));
	if (report->captured_count)
		memcpy(copy.captured, report->captured,
			report->captured_count * sizeof(*copy.captured));
	copy.kept = mem_new(report->kept_count + 1, sizeof(*copy.kept));
	if (report->kept_count)
		memcpy(copy.kept, report->kept, report->kept_count * sizeof(*copy.kept));
	return copy;
}
