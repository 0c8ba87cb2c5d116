/* The thread that runs crawls, one after the other, in the order in which they were asked for, and
 * looks at the schedules once a minute. What state a crawler is in is known here only: after a
 * restart all are ready. */
#include "api/glue/crawlers_priv.h"

#include "base/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

#define CRAWLS_MAX 1000 /* of a crawler, in its history */

struct job {
	struct job *next;
	char *name;
	int64_t started_ms;
	_Atomic(bool) is_stopped;
};

struct glue_crawls {
	struct glue *glue;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock, documents;
	pthread_cond_t wake;
	struct job *jobs; /* the first is the one that runs; behind lock */
	bool is_stopping; /* behind lock */
};

void glue_crawlers_lock(struct glue *glue)
{
	pthread_mutex_lock(&glue->crawls->documents);
}

void glue_crawlers_unlock(struct glue *glue)
{
	pthread_mutex_unlock(&glue->crawls->documents);
}

/* ---- states ---- */

static struct job **find(struct glue_crawls *crawls, struct str name)
{
	struct job **at = &crawls->jobs;

	while (*at && !str_equal(str_from((*at)->name), name))
		at = &(*at)->next;
	return at;
}

static enum glue_crawler_state state_of(const struct job *job)
{
	if (!job)
		return GLUE_CRAWLER_READY;
	return job->is_stopped ? GLUE_CRAWLER_STOPPING : GLUE_CRAWLER_RUNNING;
}

enum glue_crawler_state glue_crawler_state(
	struct glue *glue, struct str name, int64_t *ret_started_ms)
{
	struct glue_crawls *crawls = glue->crawls;

	pthread_mutex_lock(&crawls->lock);
	const struct job *job = *find(crawls, name);
	enum glue_crawler_state state = state_of(job);
	*ret_started_ms = job ? job->started_ms : 0;
	pthread_mutex_unlock(&crawls->lock);
	return state;
}

bool glue_crawler_begin(struct glue *glue, struct str name)
{
	struct glue_crawls *crawls = glue->crawls;

	pthread_mutex_lock(&crawls->lock);
	struct job **at = find(crawls, name);
	bool is_new = !*at;
	if (is_new) {
		*at = mem_new(1, sizeof(**at));
		(*at)->name = mem_printf("%.*s", STR_ARG(name));
		(*at)->started_ms = clock_wall_ns() / 1000000;
		pthread_cond_signal(&crawls->wake);
	}
	pthread_mutex_unlock(&crawls->lock);
	return is_new;
}

enum glue_crawler_state glue_crawler_end(struct glue *glue, struct str name)
{
	struct glue_crawls *crawls = glue->crawls;

	pthread_mutex_lock(&crawls->lock);
	struct job *job = *find(crawls, name);
	enum glue_crawler_state state = state_of(job);
	if (job)
		job->is_stopped = true;
	pthread_mutex_unlock(&crawls->lock);
	return state;
}

/* ---- what is left of a crawl ---- */

static void add_count(json_t *summary, const char *what, size_t count, json_t *names)
{
	if (!count)
		return;
	json_t *told = json_pack("{s:I}", "Count", (json_int_t)count);
	if (names)
		json_object_set_new(told, "Details", json_pack("{s:O}", "names", names));
	json_object_set_new(summary, what, told);
}

/* As AWS: {"TABLE": {"ADD": {...}, "UPDATE": {...}, "DELETE": {...}}, "PARTITION": {...}} */
static char *summarize(const struct glue_crawl *crawl)
{
	json_t *tables = json_object();
	json_t *partitions = json_object();
	json_t *summary = json_object();

	add_count(tables, "ADD", json_array_size(crawl->tables_added), crawl->tables_added);
	add_count(tables, "UPDATE", json_array_size(crawl->tables_updated), crawl->tables_updated);
	add_count(tables, "DELETE", json_array_size(crawl->tables_deleted), crawl->tables_deleted);
	add_count(partitions, "ADD", crawl->partitions_added, NULL);
	add_count(partitions, "UPDATE", crawl->partitions_updated, NULL);
	add_count(partitions, "DELETE", crawl->partitions_deleted, NULL);
	if (json_object_size(tables))
		json_object_set(summary, "TABLE", tables);
	if (json_object_size(partitions))
		json_object_set(summary, "PARTITION", partitions);
	char *text = json_dumps(summary, JSON_COMPACT);
	json_decref(tables);
	json_decref(partitions);
	json_decref(summary);
	return text;
}

static void make_id(char ret_id[static 37])
{
	uint8_t b[16] = {0};

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		memset(b, 0, sizeof(b));
	b[6] = (uint8_t)((b[6] & 15) | 0x40);
	b[8] = (uint8_t)((b[8] & 63) | 0x80);
	snprintf(ret_id, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

/* The oldest go when there are too many. */
static void trim_history(struct glue *glue, struct str scope)
{
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *list;
	bool found;

	if (store_catalog_list_items(glue->catalog, STORE_CATALOG_CRAWL, scope, STR_NONE,
		    CRAWLS_MAX + 1, &list, &error, &err) < 0)
		return;
	if (json_array_size(list) > CRAWLS_MAX)
		store_catalog_delete_item(glue->catalog, STORE_CATALOG_CRAWL, scope,
			glue_text(json_array_get(list, 0), "Key"), &found, &error, &err);
	json_decref(list);
}

static void write_history(struct glue *glue, const struct job *job, const struct glue_crawl *crawl,
	const char *state, int64_t now_ms)
{
	_cleanup_free_ char *summary = summarize(crawl);
	/* In order of time. */
	_cleanup_free_ char *key = mem_printf("%016lld", (long long)job->started_ms);
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	char id[37];

	make_id(id);
	json_t *entry = json_pack(
		"{s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:f, s:i, s:i, s:i}", "Key", key,
		"CrawlId", id, "State", state, "StartTime", (json_int_t)job->started_ms, "EndTime",
		(json_int_t)now_ms, "Summary", summary, "LogGroup", "/aws-glue/crawlers",
		"LogStream", job->name, "MessagePrefix", id, "DPUHour", 0.0, "Added",
		(int)json_array_size(crawl->tables_added), "Updated",
		(int)json_array_size(crawl->tables_updated), "Deleted",
		(int)json_array_size(crawl->tables_deleted));
	if (crawl->message[0])
		json_object_set_new(entry, "ErrorMessage", json_string(crawl->message));
	/* A crawl whose history cannot be written has been for all that. */
	(void)store_catalog_put_item(glue->catalog, STORE_CATALOG_CRAWL, str_from(job->name),
		str_from(key), entry, &error, &err);
	json_decref(entry);
	trim_history(glue, str_from(job->name));
}

static void write_last(struct glue *glue, const struct job *job, const struct glue_crawl *crawl,
	const char *status)
{
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *crawler = NULL;

	glue_crawlers_lock(glue);
	if (store_catalog_get_item(glue->catalog, STORE_CATALOG_CRAWLER, STR(""),
		    str_from(job->name), &crawler, &error, &err) == 0 &&
		crawler) {
		json_t *last = json_pack("{s:s, s:s, s:s, s:s, s:I}", "Status", status, "LogGroup",
			"/aws-glue/crawlers", "LogStream", job->name, "MessagePrefix", job->name,
			"StartTime", (json_int_t)job->started_ms);
		if (crawl->message[0])
			json_object_set_new(last, "ErrorMessage", json_string(crawl->message));
		json_object_set_new(crawler, "LastCrawl", last);
		(void)store_catalog_put_item(glue->catalog, STORE_CATALOG_CRAWLER, STR(""),
			str_from(job->name), crawler, &error, &err);
	}
	json_decref(crawler);
	glue_crawlers_unlock(glue);
}

static void run(struct glue *glue, struct job *job)
{
	struct glue_crawl crawl = {.glue = glue, .is_stopped = &job->is_stopped};
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *crawler = NULL;

	if (store_catalog_get_item(glue->catalog, STORE_CATALOG_CRAWLER, STR(""),
		    str_from(job->name), &crawler, &error, &err) < 0 ||
		!crawler)
		return;
	crawl.crawler = crawler;
	crawl.tables_added = json_array();
	crawl.tables_updated = json_array();
	crawl.tables_deleted = json_array();
	int result = glue_crawl_run(&crawl);
	bool is_stopped = job->is_stopped;
	write_history(glue, job, &crawl,
		result < 0   ? "FAILED"
		: is_stopped ? "STOPPED"
			     : "COMPLETED",
		clock_wall_ns() / 1000000);
	write_last(glue, job, &crawl,
		result < 0   ? "FAILED"
		: is_stopped ? "CANCELLED"
			     : "SUCCEEDED");
	json_decref(crawl.tables_added);
	json_decref(crawl.tables_updated);
	json_decref(crawl.tables_deleted);
	json_decref(crawler);
}

/* ---- the thread ---- */

/* Starts crawlers whose schedule has a minute in (after, until]. */
static void look_at_schedules(struct glue *glue, int64_t after, int64_t until)
{
	struct aws_error error = {0};
	struct err err = ERR_INIT;
	json_t *list;
	json_t *crawler;
	size_t i;

	/* What cannot be read now is looked at with the next minute. */
	if (store_catalog_list_items(glue->catalog, STORE_CATALOG_CRAWLER, STR(""), STR_NONE,
		    SIZE_MAX >> 1, &list, &error, &err) < 0)
		return;
	json_array_foreach(list, i, crawler)
	{
		const json_t *schedule = json_object_get(crawler, "Schedule");
		struct str text = glue_text(schedule, "ScheduleExpression");
		struct glue_cron cron;
		if (!text.n || !str_equal(glue_text(schedule, "State"), STR("SCHEDULED")) ||
			!glue_cron_parse(text, &cron))
			continue;
		int64_t next = glue_cron_next(&cron, after);
		if (next >= 0 && next <= until)
			glue_crawler_begin(glue, glue_text(crawler, "Name"));
	}
	json_decref(list);
}

/* The first job, or NULL when a minute begins or it is the end. */
static struct job *wait(struct glue_crawls *crawls, int64_t minute, bool *ret_goes_on)
{
	const struct timespec until = {minute, 0};
	int result = 0;

	pthread_mutex_lock(&crawls->lock);
	while (!crawls->is_stopping && !crawls->jobs && result != ETIMEDOUT)
		result = pthread_cond_timedwait(&crawls->wake, &crawls->lock, &until);
	struct job *job = crawls->jobs;
	*ret_goes_on = !crawls->is_stopping;
	pthread_mutex_unlock(&crawls->lock);
	return job;
}

static void finish(struct glue_crawls *crawls, struct job *job)
{
	pthread_mutex_lock(&crawls->lock);
	crawls->jobs = job->next;
	pthread_mutex_unlock(&crawls->lock);
	free(job->name);
	free(job);
}

static void *work(void *context)
{
	struct glue_crawls *crawls = context;
	int64_t looked = clock_wall_ns() / CLOCK_NS_PER_SECOND;
	bool goes_on = true;

	while (goes_on) {
		struct job *job = wait(crawls, (looked / 60 + 1) * 60, &goes_on);
		if (job && goes_on) {
			run(crawls->glue, job);
			finish(crawls, job);
		}
		int64_t now = clock_wall_ns() / CLOCK_NS_PER_SECOND;
		if (goes_on && now / 60 != looked / 60) {
			look_at_schedules(crawls->glue, looked, now);
			looked = now;
		}
	}
	return NULL;
}

int glue_crawls_start(struct glue *glue, struct err *err)
{
	struct glue_crawls *crawls = mem_new(1, sizeof(*crawls));
	sigset_t all;
	sigset_t before;

	glue->crawls = crawls;
	crawls->glue = glue;
	pthread_mutex_init(&crawls->lock, NULL);
	pthread_mutex_init(&crawls->documents, NULL);
	pthread_cond_init(&crawls->wake, NULL);
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int result = pthread_create(&crawls->thread, NULL, work, crawls);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result != 0)
		return err_set_errno(err, result, "cannot start the thread of the crawlers");
	crawls->has_thread = true;
	return 0;
}

void glue_crawls_stop(struct glue *glue)
{
	struct glue_crawls *crawls = glue->crawls;

	if (!crawls)
		return;
	if (crawls->has_thread) {
		pthread_mutex_lock(&crawls->lock);
		crawls->is_stopping = true;
		for (struct job *job = crawls->jobs; job; job = job->next)
			job->is_stopped = true;
		pthread_cond_signal(&crawls->wake);
		pthread_mutex_unlock(&crawls->lock);
		pthread_join(crawls->thread, NULL);
	}
	while (crawls->jobs)
		finish(crawls, crawls->jobs);
	pthread_cond_destroy(&crawls->wake);
	pthread_mutex_destroy(&crawls->documents);
	pthread_mutex_destroy(&crawls->lock);
	free(crawls);
}
