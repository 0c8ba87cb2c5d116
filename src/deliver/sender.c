/* All threads do the same: take the oldest batch, send it, tell how it went. As long as things go
 * well each does so on its own. After a failure the circuit is open: nothing is sent until a random
 * part of a wait is over that doubles with each failure (full jitter), and then by one thread, the
 * probe; its success closes the circuit for all. A batch that the destination refuses as it is, by
 * contrast, is put off alone, so that it does not hold up those behind it. */
#include "deliver/sender_priv.h"

#include "aws/digest.h"
#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_MS        INT64_C(1000000)
#define WAIT_FIRST_MS    100
#define WAIT_MAX_MS      10000
#define REFUSED_FIRST_MS 1000
#define REFUSED_MAX_MS   (10 * 60 * 1000)
#define IDLE_MS          500 /* until batches that were put off are looked at again */
#define BATCHES_A_THREAD 4   /* in the spool, before another thread is started */
#define STACK_BYTES      ((size_t)512 << 10)
#define WARN_AGAIN_MS    60000
/* CloudWatch Logs takes nothing older, and nothing more than two hours ahead. */
#define AGE_MAX_MS   (INT64_C(14) * 24 * 3600 * 1000)
#define AHEAD_MAX_MS (INT64_C(2) * 3600 * 1000)

struct sender {
	struct spool *spool;
	struct sink *sink;
	const struct deliver_settings *settings;
	char *name;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	pthread_t threads[SENDER_THREADS];
	unsigned threads_count, busy;
	bool is_stopping, is_probing;
	unsigned failures;
	int64_t next_ns; /* monotonic; of the probe */
	int64_t warned_ns;
	enum deliver_fault warned_fault;
	struct deliver_status status;
};

static int64_t wall_ms(void)
{
	return clock_wall_ns() / NS_PER_MS;
}

/* Between 1 and most. */
static int64_t random_up_to(int64_t most)
{
	uint32_t random;

	aws_random(&random, sizeof(random));
	return 1 + (int64_t)(random % (uint32_t)most);
}

static int64_t doubled(int64_t first, unsigned times, int64_t most)
{
	for (; times && first < most; times--)
		first *= 2;
	return first < most ? first : most;
}

/* Told when it changes, and once a minute while it lasts. */
static bool should_warn(struct sender *sender, enum deliver_fault fault)
{
	int64_t now = clock_mono_ns();

	if (sender->warned_fault == fault && now - sender->warned_ns < WARN_AGAIN_MS * NS_PER_MS)
		return false;
	sender->warned_fault = fault;
	sender->warned_ns = now;
	return true;
}

static void warn(struct sender *sender, const struct err *err)
{
	struct err told = *err;

	err_wrap(&told, "flow log %s", sender->name);
	if (sender->settings->warn)
		sender->settings->warn(sender->settings->context, &told);
}

/* The lock is held in what follows, but for the sending. */

static void delivered(
	struct sender *sender, struct spool_taken *taken, const struct sink_outcome *outcome)
{
	struct deliver_status *status = &sender->status;

	status->fault = DELIVER_OK;
	status->message[0] = '\0';
	status->batches++;
	status->records += taken->batch->records - outcome->rejected;
	status->given_up += outcome->rejected;
	status->delivered_ms = wall_ms();
	snprintf(status->last_name, sizeof(status->last_name), "%s", taken->batch->name);
	sender->failures = 0;
	sender->warned_fault = DELIVER_OK;
	spool_finish(sender->spool, taken, SPOOL_DELIVERED);
}

static void give_up(struct sender *sender, struct spool_taken *taken, enum spool_state state)
{
	sender->status.given_up += taken->batch->records;
	spool_finish(sender->spool, taken, state);
}

/* Puts it back, alone or with the circuit opened. */
static void put_back(struct sender *sender, struct spool_taken *taken,
	const struct sink_outcome *outcome, bool is_probe)
{
	int64_t wait = random_up_to(doubled(WAIT_FIRST_MS, sender->failures, WAIT_MAX_MS));
	int64_t until_ms = 0;

	if (outcome->after_ms > wait)
		wait = outcome->after_ms;
	/* What others had under way when it failed first is the same failure. */
	if (is_probe || sender->failures == 0) {
		sender->next_ns = clock_mono_ns() + wait * NS_PER_MS;
		sender->failures++;
	}
	sender->status.retries++;
	if (outcome->is_refused)
		until_ms = wall_ms() +
			   random_up_to(doubled(REFUSED_FIRST_MS, taken->refusals, REFUSED_MAX_MS));
	spool_return(sender->spool, taken, until_ms);
}

static void failed(struct sender *sender, struct spool_taken *taken,
	const struct sink_outcome *outcome, const struct err *err, bool is_probe)
{
	sender->status.fault = outcome->fault;
	snprintf(sender->status.message, sizeof(sender->status.message), "%.511s", err->message);
	if (outcome->is_damaged)
		give_up(sender, taken, SPOOL_DAMAGED);
	else if (outcome->is_refused && taken->created_ms < wall_ms() - AGE_MAX_MS)
		give_up(sender, taken, SPOOL_GIVEN_UP);
	else
		put_back(sender, taken, outcome, is_probe);
}

/* Events that CloudWatch Logs would not take any more. */
static bool is_too_old(const struct sender *sender, const struct spool_taken *taken)
{
	return sender->sink->kind == DELIVER_TO_LOGS &&
	       taken->batch->last_ms < wall_ms() - AGE_MAX_MS;
}

static void send_one(struct sender *sender, struct spool_taken *taken)
{
	struct sink_outcome outcome = {0};
	struct err err = ERR_INIT;
	bool is_probe = sender->failures > 0;

	if (is_too_old(sender, taken)) {
		give_up(sender, taken, SPOOL_GIVEN_UP);
		return;
	}
	sender->is_probing = is_probe;
	sender->busy++;
	pthread_mutex_unlock(&sender->lock);
	int result = sink_send(sender->sink, taken, &outcome, &err);
	pthread_mutex_lock(&sender->lock);
	sender->busy--;
	if (is_probe)
		sender->is_probing = false;
	if (result == 0)
		delivered(sender, taken, &outcome);
	else if (sender->is_stopping)
		spool_return(sender->spool, taken, 0);
	else
		failed(sender, taken, &outcome, &err, is_probe);
	pthread_cond_broadcast(&sender->changed);
	if (sender->settings->changed)
		sender->settings->changed(sender->settings->context);
	if (result < 0 && !sender->is_stopping && should_warn(sender, outcome.fault)) {
		pthread_mutex_unlock(&sender->lock);
		warn(sender, &err);
		pthread_mutex_lock(&sender->lock);
	}
}

static bool take_batch(struct sender *sender, struct spool_taken *taken)
{
	bool is_logs = sender->sink->kind == DELIVER_TO_LOGS;
	int64_t now_ms = wall_ms();

	if (sender->failures && (sender->is_probing || clock_mono_ns() < sender->next_ns))
		return false;
	return spool_take(sender->spool, now_ms, is_logs ? now_ms + AHEAD_MAX_MS : INT64_MAX,
		       is_logs, taken) == 0;
}

static void wait_until(struct sender *sender, int64_t ns)
{
	struct timespec until = {ns / CLOCK_NS_PER_SECOND, ns % CLOCK_NS_PER_SECOND};

	pthread_cond_timedwait(&sender->changed, &sender->lock, &until);
}

static void wait_for_work(struct sender *sender)
{
	struct spool_counts counts;

	spool_count(sender->spool, &counts);
	if (counts.batches == 0)
		pthread_cond_wait(&sender->changed, &sender->lock);
	else if (sender->failures && !sender->is_probing && clock_mono_ns() < sender->next_ns)
		wait_until(sender, sender->next_ns);
	else
		wait_until(sender, clock_mono_ns() + IDLE_MS * NS_PER_MS);
}

static void *run(void *context)
{
	struct sender *sender = context;

	pthread_mutex_lock(&sender->lock);
	while (!sender->is_stopping) {
		struct spool_taken taken;
		if (take_batch(sender, &taken))
			send_one(sender, &taken);
		else
			wait_for_work(sender);
	}
	pthread_mutex_unlock(&sender->lock);
	return NULL;
}

/* Signals are for the threads of others. */
static int add_thread(struct sender *sender)
{
	pthread_attr_t attributes;
	sigset_t all, before;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failure =
		pthread_create(&sender->threads[sender->threads_count], &attributes, run, sender);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (failure == 0)
		sender->threads_count++;
	return -failure;
}

int sender_start(struct sender **ret_sender, struct spool *spool, struct sink *sink,
	const struct deliver_settings *settings, const char *name, struct err *err)
{
	struct sender *sender = mem_new(1, sizeof(*sender));
	pthread_condattr_t attributes;

	sender->spool = spool;
	sender->sink = sink;
	sender->settings = settings;
	sender->name = mem_strdup(name);
	pthread_mutex_init(&sender->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sender->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	int failure = add_thread(sender);
	if (failure < 0) {
		sender_stop(sender, 0);
		return err_set_errno(err, failure, "cannot start a thread");
	}
	sender_wake(sender);
	*ret_sender = sender;
	return 0;
}

void sender_wake(struct sender *sender)
{
	struct spool_counts counts;

	pthread_mutex_lock(&sender->lock);
	spool_count(sender->spool, &counts);
	/* Without a further thread it only takes longer. */
	while (sender->failures == 0 && sender->threads_count < SENDER_THREADS &&
		counts.batches > sender->threads_count * BATCHES_A_THREAD) {
		if (add_thread(sender) < 0)
			break;
	}
	pthread_cond_broadcast(&sender->changed);
	pthread_mutex_unlock(&sender->lock);
}

void sender_status(struct sender *sender, struct deliver_status *status)
{
	pthread_mutex_lock(&sender->lock);
	*status = sender->status;
	pthread_mutex_unlock(&sender->lock);
}

uint64_t sender_given_up(struct sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	uint64_t given_up = sender->status.given_up;
	pthread_mutex_unlock(&sender->lock);
	return given_up;
}

static void drain(struct sender *sender, int64_t until_ns)
{
	struct spool_counts counts;

	for (;;) {
		spool_count(sender->spool, &counts);
		if (counts.batches == 0 || clock_mono_ns() >= until_ns)
			return;
		wait_until(sender, until_ns);
	}
}

void sender_stop(struct sender *sender, unsigned drain_ms)
{
	if (!sender)
		return;
	pthread_mutex_lock(&sender->lock);
	if (sender->threads_count)
		drain(sender, clock_mono_ns() + drain_ms * NS_PER_MS);
	sender->is_stopping = true;
	pthread_cond_broadcast(&sender->changed);
	pthread_mutex_unlock(&sender->lock);
	sink_stop(sender->sink);
	for (unsigned i = 0; i < sender->threads_count; i++)
		pthread_join(sender->threads[i], NULL);
	pthread_cond_destroy(&sender->changed);
	pthread_mutex_destroy(&sender->lock);
	free(sender->name);
	free(sender);
}
