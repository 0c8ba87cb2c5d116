/* A queue and the threads that empty it. */
#include "api/http/http_priv.h"

#include <signal.h>

struct workers {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct job *first, **end;
	bool is_ending;
	unsigned count;
	pthread_t threads[];
};

static void *work(void *context)
{
	struct workers *workers = context;

	pthread_mutex_lock(&workers->mutex);
	for (;;) {
		struct job *job = workers->first;
		if (!job && workers->is_ending)
			break;
		if (!job) {
			pthread_cond_wait(&workers->filled, &workers->mutex);
			continue;
		}
		workers->first = job->next;
		if (!workers->first)
			workers->end = &workers->first;
		pthread_mutex_unlock(&workers->mutex);
		job->run(job->context); /* job may be gone afterwards */
		pthread_mutex_lock(&workers->mutex);
	}
	pthread_mutex_unlock(&workers->mutex);
	return NULL;
}

int workers_start(struct workers **ret_workers, unsigned count, struct err *err)
{
	struct workers *workers = mem_new(1, sizeof(*workers) + count * sizeof(pthread_t));
	sigset_t all, before;
	int failed = 0;

	pthread_mutex_init(&workers->mutex, NULL);
	pthread_cond_init(&workers->filled, NULL);
	workers->end = &workers->first;
	/* Signals are for the thread that started the server. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (workers->count < count && !failed) {
		failed = pthread_create(&workers->threads[workers->count], NULL, work, workers);
		workers->count += !failed;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		workers_free(workers);
		return err_set_errno(err, failed, "cannot start %u threads", count);
	}
	*ret_workers = workers;
	return 0;
}

bool workers_add(struct workers *workers, struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&workers->mutex);
	bool is_taken = !workers->is_ending;
	if (is_taken) {
		*workers->end = job;
		workers->end = &job->next;
		pthread_cond_signal(&workers->filled);
	}
	pthread_mutex_unlock(&workers->mutex);
	return is_taken;
}

void workers_stop(struct workers *workers)
{
	pthread_mutex_lock(&workers->mutex);
	workers->is_ending = true;
	pthread_cond_broadcast(&workers->filled);
	pthread_mutex_unlock(&workers->mutex);
	for (unsigned i = 0; i < workers->count; i++)
		pthread_join(workers->threads[i], NULL);
	workers->count = 0;
}

void workers_free(struct workers *workers)
{
	if (!workers)
		return;
	workers_stop(workers);
	pthread_cond_destroy(&workers->filled);
	pthread_mutex_destroy(&workers->mutex);
	free(workers);
}
