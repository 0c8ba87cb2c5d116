/* The sender: a thread that posts notifications to their webhooks, with libcurl. An answer of 2xx
 * is delivery; anything else is tried again with growing pauses, then given up and counted. What
 * waits is bounded: beyond it new ones are dropped and counted, as are those to where the server
 * may not post. What waits at the end of the process is lost: notifications are a hint, the bucket
 * is the truth. */
#include "api/s3/s3_priv.h"

#include "base/clock.h"

#include <curl/curl.h>
#include <errno.h>

#define TRIES_MAX  6
#define TIMEOUT_MS 5000L
#define EVENTS_MAX 10000

struct item {
	struct item *next;
	int64_t due_ns;
	unsigned tries;
	char *url, *body;
};

struct s3_sender {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_started, is_stopping;
	struct item *first, **last;
	unsigned count, max;
	CURL *curl;
	struct curl_slist *headers;
};

static void item_free(struct item *item)
{
	free(item->url);
	free(item->body);
	free(item);
}

/* Under the lock. */
static void append(struct s3_sender *sender, struct item *item)
{
	item->next = NULL;
	*sender->last = item;
	sender->last = &item->next;
	sender->count++;
}

void s3_send(struct s3 *s3, struct str url, struct str body)
{
	struct s3_sender *sender = s3->sender;

	/* Kept configurations may be older than the setting. */
	bool may = s3_webhook_may(s3, url);

	pthread_mutex_lock(&sender->lock);
	if (!may || sender->count >= sender->max) {
		atomic_fetch_add(&s3->events_dropped, 1);
	} else {
		struct item *item = mem_new(1, sizeof(*item));

		item->url = mem_printf("%.*s", STR_ARG(url));
		item->body = mem_printf("%.*s", STR_ARG(body));
		append(sender, item);
		pthread_cond_signal(&sender->wake);
	}
	pthread_mutex_unlock(&sender->lock);
}

static size_t ignore(char *bytes, size_t size, size_t n, void *context)
{
	return size * n;
}

static int stop_when_asked(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct s3_sender *sender = context;

	pthread_mutex_lock(&sender->lock);
	bool stopping = sender->is_stopping;
	pthread_mutex_unlock(&sender->lock);
	return stopping;
}

static bool post(struct s3_sender *sender, const struct item *item)
{
	long status = 0;

	curl_easy_setopt(sender->curl, CURLOPT_URL, item->url);
	curl_easy_setopt(sender->curl, CURLOPT_POSTFIELDS, item->body);
	return curl_easy_perform(sender->curl) == CURLE_OK &&
	       curl_easy_getinfo(sender->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK &&
	       status / 100 == 2;
}

/* Under the lock: takes the first item that is due, or tells when one will be. */
static struct item *take_due(struct s3_sender *sender, int64_t *ret_next_ns)
{
	int64_t now = clock_mono_ns();

	*ret_next_ns = now + 3600 * CLOCK_NS_PER_SECOND;
	for (struct item **at = &sender->first; *at; at = &(*at)->next) {
		struct item *item = *at;

		if (item->due_ns > now) {
			if (item->due_ns < *ret_next_ns)
				*ret_next_ns = item->due_ns;
			continue;
		}
		*at = item->next;
		if (sender->last == &item->next)
			sender->last = at;
		sender->count--;
		return item;
	}
	return NULL;
}

static void *work(void *argument)
{
	struct s3 *s3 = argument;
	struct s3_sender *sender = s3->sender;
	int64_t next_ns;

	pthread_mutex_lock(&sender->lock);
	while (!sender->is_stopping) {
		struct item *item = take_due(sender, &next_ns);

		if (!item) {
			struct timespec until = {.tv_sec = next_ns / CLOCK_NS_PER_SECOND,
				.tv_nsec = next_ns % CLOCK_NS_PER_SECOND};
			pthread_cond_timedwait(&sender->wake, &sender->lock, &until);
			continue;
		}
		pthread_mutex_unlock(&sender->lock);
		bool sent = post(sender, item);
		pthread_mutex_lock(&sender->lock);
		if (sent) {
			atomic_fetch_add(&s3->events_sent, 1);
		} else if (++item->tries < TRIES_MAX) {
			item->due_ns = clock_mono_ns() + (CLOCK_NS_PER_SECOND << item->tries) / 2;
			append(sender, item);
			continue;
		} else {
			atomic_fetch_add(&s3->events_failed, 1);
		}
		item_free(item);
	}
	pthread_mutex_unlock(&sender->lock);
	return NULL;
}

static int start_curl(struct s3_sender *sender, struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_SYSTEM, "libcurl does not start");
	sender->curl = curl_easy_init();
	sender->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (!sender->curl || !sender->headers)
		return err_set(err, ERR_SYSTEM, "libcurl does not start");
	curl_easy_setopt(sender->curl, CURLOPT_HTTPHEADER, sender->headers);
	curl_easy_setopt(sender->curl, CURLOPT_TIMEOUT_MS, TIMEOUT_MS);
	curl_easy_setopt(sender->curl, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	curl_easy_setopt(sender->curl, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	curl_easy_setopt(sender->curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
	curl_easy_setopt(sender->curl, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(sender->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(sender->curl, CURLOPT_XFERINFOFUNCTION, stop_when_asked);
	curl_easy_setopt(sender->curl, CURLOPT_XFERINFODATA, sender);
	curl_easy_setopt(sender->curl, CURLOPT_USERAGENT, "nagare/" NAGARE_VERSION);
	return 0;
}

int s3_sender_start(struct s3 *s3, const struct s3_options *options, struct err *err)
{
	struct s3_sender *sender = s3->sender = mem_new(1, sizeof(*sender));
	pthread_condattr_t attributes;

	sender->max = options->events_max ? options->events_max : EVENTS_MAX;
	sender->last = &sender->first;
	pthread_mutex_init(&sender->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sender->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	if (start_curl(sender, err) < 0)
		return -1;
	int failed = pthread_create(&sender->thread, NULL, work, s3);
	if (failed)
		return err_set_errno(err, failed, "no thread for notifications");
	sender->is_started = true;
	return 0;
}

void s3_sender_stop(struct s3 *s3)
{
	struct s3_sender *sender = s3->sender;

	if (!sender)
		return;
	pthread_mutex_lock(&sender->lock);
	sender->is_stopping = true;
	pthread_cond_signal(&sender->wake);
	pthread_mutex_unlock(&sender->lock);
	if (sender->is_started)
		pthread_join(sender->thread, NULL);
	for (struct item *item = sender->first, *next; item; item = next) {
		next = item->next;
		item_free(item);
	}
	curl_easy_cleanup(sender->curl);
	curl_slist_free_all(sender->headers);
	pthread_cond_destroy(&sender->wake);
	pthread_mutex_destroy(&sender->lock);
	free(sender);
	s3->sender = NULL;
}
