#include "cli/query_bar.h"

#include "base/clock.h"
#include "cli/command.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>

#define LOOK_MS  20 /* at whether it is over */
#define DRAW_MS  200
#define FIRST_MS 400 /* what is over sooner shows nothing */

static void add_bytes(char *text, size_t size, double bytes)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
	size_t unit = 0;

	for (; bytes >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		bytes /= 1000;
	snprintf(text, size, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static void draw(const struct query_progress *progress, double seconds)
{
	char bytes[32], rate[32], left[64] = "";

	if (progress->is_listing) {
		fprintf(stderr, "\r\033[Klisting: %llu keys", (unsigned long long)progress->listed);
		return;
	}
	double speed = seconds > 0 ? (double)progress->bytes / seconds : 0;
	add_bytes(bytes, sizeof(bytes), (double)progress->bytes);
	add_bytes(rate, sizeof(rate), speed);
	if (speed > 0 && progress->bytes_all > progress->bytes)
		snprintf(left, sizeof(left), ", %.0f s left",
			(double)(progress->bytes_all - progress->bytes) / speed);
	fprintf(stderr, "\r\033[Kreading: %llu of %llu objects, %s, %s/s%s",
		(unsigned long long)progress->objects, (unsigned long long)progress->objects_all,
		bytes, rate, left);
}

static void *run(void *context)
{
	struct query_bar *bar = context;
	int64_t started_ns = clock_mono_ns(), reading_ns = 0, drawn_ns = 0;
	struct query_progress progress;

	while (!bar->is_ending) {
		poll(NULL, 0, LOOK_MS);
		int64_t now_ns = clock_mono_ns();
		if (!query_session_progress(bar->session, &progress))
			break;
		if (!progress.is_listing && progress.objects_all && !reading_ns)
			reading_ns = now_ns;
		if (now_ns - started_ns < FIRST_MS * INT64_C(1000000) ||
			now_ns - drawn_ns < DRAW_MS * INT64_C(1000000) ||
			(!progress.is_listing && !progress.objects_all))
			continue;
		draw(&progress, (double)(now_ns - reading_ns) / CLOCK_NS_PER_SECOND);
		drawn_ns = now_ns;
	}
	if (drawn_ns)
		fprintf(stderr, "\r\033[K");
	return NULL;
}

static void stop_for_rows(void *context)
{
	query_bar_stop(context);
}

void query_bar_start(struct query_bar *bar, struct query_session *session)
{
	struct query_progress progress;
	sigset_t all, old;

	*bar = (struct query_bar){.session = session};
	if (!cli_is_terminal(2) || !query_session_progress(session, &progress))
		return;
	/* Ctrl-C is the other thread's. */
	query_session_on_rows(session, stop_for_rows, bar);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	bar->is_started = pthread_create(&bar->thread, NULL, run, bar) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void query_bar_stop(struct query_bar *bar)
{
	if (!bar->is_started)
		return;
	bar->is_ending = true;
	pthread_join(bar->thread, NULL);
	bar->is_started = false;
	query_session_on_rows(bar->session, NULL, NULL);
}
