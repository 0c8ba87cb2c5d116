#include "query/remote_priv.h"

#include "aws/client.h"
#include "aws/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define ATTEMPTS 6

struct query_remote {
	struct aws_credentials_source *credentials;
	struct aws_client_settings settings;
	char *endpoint, *region;
	bool is_requester_paying;
	struct aws_client *_Atomic client;
	atomic_bool is_interrupted;
	struct query_fetch *fetch;
	_Atomic uint64_t listed, requests, bytes, bytes_all, objects, objects_all;
	atomic_bool is_listing, is_outdated;
};

bool query_remote_is_location(const char *location)
{
	return strncmp(location, REMOTE_SCHEME, strlen(REMOTE_SCHEME)) == 0;
}

static int make_client(struct query_remote *remote, struct err *err)
{
	struct aws_client *client = NULL;

	if (aws_client_new(&client, &remote->settings, err) < 0)
		return -1;
	struct aws_client *old = atomic_exchange(&remote->client, client);
	aws_client_free(old);
	return 0;
}

int query_remote_new(
	struct query_remote **ret_remote, const struct query_s3_options *options, struct err *err)
{
	_cleanup_(query_remote_freep) struct query_remote *remote = mem_new(1, sizeof(*remote));
	const struct aws_credentials_settings credentials = {
		.profile = options->profile, .region = options->region};

	if (!options->no_sign_request &&
		aws_credentials_source_new(&remote->credentials, &credentials, err) < 0)
		return -1;
	remote->endpoint = options->endpoint ? mem_strdup(options->endpoint) : NULL;
	remote->region = options->region ? mem_strdup(options->region) : NULL;
	remote->is_requester_paying = options->request_payer;
	remote->settings = (struct aws_client_settings){.endpoint = remote->endpoint,
		.region = remote->region,
		.credentials = remote->credentials,
		.is_anonymous = options->no_sign_request,
		.attempts = ATTEMPTS};
	if (make_client(remote, err) < 0)
		return -1;
	remote->fetch = query_fetch_new(remote);
	*ret_remote = take(remote);
	return 0;
}

void query_remote_free(struct query_remote *remote)
{
	if (!remote)
		return;
	if (remote->fetch) {
		query_remote_interrupt(remote);
		query_fetch_free(remote->fetch);
	}
	aws_client_free(remote->client);
	aws_credentials_source_free(remote->credentials);
	free(remote->endpoint);
	free(remote->region);
	free(remote);
}

/* Only atomic stores and one write. Whoever waits for a fetch looks at the flag in turns. */
void query_remote_interrupt(struct query_remote *remote)
{
	atomic_store(&remote->is_interrupted, true);
	aws_client_stop(atomic_load(&remote->client));
}

bool query_remote_is_interrupted(const struct query_remote *remote)
{
	return atomic_load(&remote->is_interrupted);
}

int query_remote_reset(struct query_remote *remote, struct err *err)
{
	query_fetch_plan(remote->fetch, NULL, 0);
	atomic_store(&remote->listed, 0);
	atomic_store(&remote->requests, 0);
	atomic_store(&remote->bytes, 0);
	atomic_store(&remote->bytes_all, 0);
	atomic_store(&remote->objects, 0);
	atomic_store(&remote->objects_all, 0);
	if (!atomic_exchange(&remote->is_interrupted, false))
		return 0;
	return make_client(remote, err); /* a stopped one stays so */
}

struct aws_client *query_remote_client(struct query_remote *remote)
{
	return remote->client;
}

bool query_remote_requester_pays(const struct query_remote *remote)
{
	return remote->is_requester_paying;
}

void query_remote_count(struct query_remote *remote, uint64_t requests, uint64_t listed)
{
	atomic_fetch_add(&remote->requests, requests);
	atomic_fetch_add(&remote->listed, listed);
}

void query_remote_progress(
	const struct query_remote *remote, struct query_remote_progress *ret_progress)
{
	*ret_progress = (struct query_remote_progress){.listed = remote->listed,
		.requests = remote->requests,
		.bytes = remote->bytes,
		.bytes_all = remote->bytes_all,
		.objects = remote->objects,
		.objects_all = remote->objects_all,
		.is_listing = remote->is_listing};
}

bool query_remote_take_outdated(struct query_remote *remote)
{
	return atomic_exchange(&remote->is_outdated, false);
}

void query_remote_set_listing(struct query_remote *remote, bool is_listing)
{
	atomic_store(&remote->is_listing, is_listing);
}

/* ---- reading ---- */

struct to_file {
	int fd;
	uint64_t start, at;
	int error;
};

static int write_there(void *context, struct str bytes)
{
	struct to_file *to = context;

	while (bytes.n) {
		ssize_t n = pwrite(to->fd, bytes.p, bytes.n, (off_t)to->at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			to->error = errno;
			return -1;
		}
		to->at += (uint64_t)n;
		bytes = (struct str){bytes.p + n, bytes.n - (size_t)n};
	}
	return 0;
}

static void write_again(void *context)
{
	struct to_file *to = context;

	to->at = to->start;
}

static int explain(
	const struct query_object *object, const struct aws_answer *answer, struct err *err)
{
	if (answer->status == 404 || answer->status == 412) {
		atomic_store(&object->remote->remote->is_outdated, true);
		err_set(err, ERR_NOT_FOUND, "%s has %s since it was listed", object->path,
			answer->status == 404 ? "been removed" : "changed");
		return err_hint(err, "run the statement again");
	}
	if (strcmp(answer->code, "InvalidObjectState") == 0) {
		err_set(err, ERR_USAGE, "%s is archived", object->path);
		return err_hint(err, "restore it first: aws s3api restore-object");
	}
	return err_wrap(err, "%s", object->path);
}

int query_remote_get(struct query_remote *remote, const struct query_remote_get *get,
	struct buf *buf, struct err *err)
{
	const struct query_remote_object *object = get->object->remote;
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_buf_ struct buf path = {0}, range = {0};
	struct to_file to = {get->fd, get->offset, get->offset, 0};
	struct aws_header headers[3];
	size_t count = 0;

	buf_add_char(&path, '/');
	aws_uri_encode(&path, str_from(object->key), AWS_URI_KEEP_SLASH);
	buf_printf(&range, "bytes=%llu-%llu", (unsigned long long)get->offset,
		(unsigned long long)(get->offset + get->length - 1));
	headers[count++] = (struct aws_header){STR("Range"), buf_str(&range)};
	if (*object->etag)
		headers[count++] = (struct aws_header){STR("If-Match"), str_from(object->etag)};
	if (remote->is_requester_paying)
		headers[count++] =
			(struct aws_header){STR("x-amz-request-payer"), STR("requester")};
	const struct aws_call call = {.service = "s3",
		.method = "GET",
		.bucket = str_from(object->bucket),
		.path = buf_str(&path),
		.headers = headers,
		.header_count = count,
		.answer_max = get->length,
		.data = get->fd >= 0 ? write_there : NULL,
		.reset = write_again,
		.context = &to};
	atomic_fetch_add(&remote->requests, 1);
	int result = aws_client_call(remote->client, &call, &answer, err);
	if (to.error)
		return err_set_errno(err, to.error, "a copy of %s", get->object->path);
	if (result < 0)
		return explain(get->object, &answer, err);
	uint64_t got = get->fd >= 0 ? to.at - to.start : answer.body.n;
	if (got != get->length)
		return err_set(err, ERR_INPUT,
			"%s: %llu bytes came from byte %llu on, expected %zu", get->object->path,
			(unsigned long long)got, (unsigned long long)get->offset, get->length);
	atomic_fetch_add(&remote->bytes, got);
	if (!get->is_peek && get->offset + get->length == get->object->size_bytes)
		atomic_fetch_add(&remote->objects, 1);
	if (get->fd < 0) {
		buf_done(buf);
		*buf = answer.body;
		answer.body = (struct buf){0};
	}
	return 0;
}

void query_remote_plan(
	struct query_remote *remote, const struct query_object *const *objects, size_t count)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += objects[i]->size_bytes;
	atomic_fetch_add(&remote->bytes_all, bytes);
	atomic_fetch_add(&remote->objects_all, count);
	query_fetch_plan(remote->fetch, objects, count);
}

int query_remote_open(
	const struct query_object *object, bool peek, struct input **ret_input, struct err *err)
{
	return query_fetch_open(object->remote->remote->fetch, object, peek, ret_input, err);
}

/* ---- copies for DuckDB ---- */

struct tasks {
	size_t count;
	int (*task)(void *context, size_t index, struct err *err);
	void *context;
	atomic_size_t next;
	atomic_bool failed;
	pthread_mutex_t lock;
	struct err err;
};

static void *do_tasks(void *context)
{
	struct tasks *tasks = context;
	size_t i;

	while (!tasks->failed && (i = tasks->next++) < tasks->count) {
		struct err err = ERR_INIT;
		if (tasks->task(tasks->context, i, &err) == 0)
			continue;
		pthread_mutex_lock(&tasks->lock);
		if (!tasks->failed)
			tasks->err = err;
		tasks->failed = true;
		pthread_mutex_unlock(&tasks->lock);
	}
	return NULL;
}

int query_remote_each(size_t count, int (*task)(void *context, size_t index, struct err *err),
	void *context, struct err *err)
{
	struct tasks tasks = {.count = count,
		.task = task,
		.context = context,
		.lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[REMOTE_THREADS];
	unsigned started = 0;

	for (; started < REMOTE_THREADS && started + 1 < count; started++)
		if (pthread_create(&threads[started], NULL, do_tasks, &tasks) != 0)
			break;
	do_tasks(&tasks);
	while (started)
		pthread_join(threads[--started], NULL);
	if (tasks.failed && err)
		*err = tasks.err;
	return tasks.failed ? -1 : 0;
}

void query_remote_expect(struct query_remote *remote, uint64_t bytes, uint64_t objects)
{
	atomic_fetch_add(&remote->bytes_all, bytes);
	atomic_fetch_add(&remote->objects_all, objects);
}

struct copies {
	struct query_remote *remote;
	struct query_object *const *objects;
	const char *folder;
};

static int copy_one(void *context, size_t index, struct err *err)
{
	struct copies *copies = context;
	struct query_object *object = copies->objects[index];
	_cleanup_free_ char *path =
		mem_printf("%s/%016llx.parquet", copies->folder, (unsigned long long)object->inode);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set_errno(
			err, errno, "a copy of %s in %s", object->path, copies->folder);
	for (uint64_t at = 0; at < object->size_bytes;) {
		uint64_t left = object->size_bytes - at;
		const struct query_remote_get get = {.object = object,
			.offset = at,
			.length = left < REMOTE_PART_BYTES ? (size_t)left : REMOTE_PART_BYTES,
			.fd = fd};
		if (query_remote_get(copies->remote, &get, NULL, err) < 0) {
			unlink(path);
			return -1;
		}
		at += get.length;
	}
	object->remote->copy = take(path);
	return 0;
}

int query_remote_check_room(const char *folder, uint64_t bytes, struct err *err)
{
	struct statvfs room;

	if (statvfs(folder, &room) < 0)
		return err_set_errno(err, errno, "%s", folder);
	if (bytes < (uint64_t)room.f_bavail * room.f_frsize)
		return 0;
	err_set(err, ERR_SYSTEM,
		"copies of the Parquet objects take %llu MB, and %s has %llu MB left",
		(unsigned long long)bytes >> 20, folder,
		(unsigned long long)room.f_bavail * room.f_frsize >> 20);
	return err_hint(err, "set TMPDIR to a larger folder, or ask for less time in WHERE");
}

int query_remote_copy(struct query_remote *remote, struct query_object *const *objects,
	size_t count, const char *folder, struct err *err)
{
	struct copies copies = {.remote = remote, .objects = objects, .folder = folder};
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += objects[i]->size_bytes;
	if (count == 0)
		return 0;
	if (query_remote_check_room(folder, bytes, err) < 0)
		return -1;
	query_remote_expect(remote, bytes, count);
	return query_remote_each(count, copy_one, &copies, err);
}
