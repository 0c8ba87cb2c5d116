/* Listing: a few threads share a heap of folders. A folder whose keys can be in one answer costs
 * one request; one with more is asked for its folders, which go onto the heap, and for the objects
 * that lie in it directly. With conditions that exclude something folders are looked at one level
 * at a time, so that the rest is never listed. */
#include "query/remote_priv.h"

#include "aws/client.h"
#include "aws/time.h"
#include "aws/uri.h"
#include "aws/xml.h"
#include "base/hash.h"
#include "base/number.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LIST_THREADS 8

struct folder {
	char *prefix;
	bool is_split; /* one level at a time from here on */
};

struct listing {
	struct query_remote *remote;
	char *bucket;
	const char *pattern; /* of keys, NULL: all */
	const char *named;   /* a key that is taken whatever it is called */
	const struct prune *prune;
	bool is_pruning;
	struct query_objects *objects;

	pthread_mutex_t lock; /* of what follows, and of objects */
	pthread_cond_t changed;
	struct folder *folders;
	size_t count, capacity;
	unsigned busy;
	bool failed;
	struct err err;
	uint64_t seen, left_out;
};

/* Locked. */
static void push(struct listing *listing, const char *prefix, bool is_split)
{
	if (listing->count == listing->capacity) {
		listing->capacity = listing->capacity * 2 + 16;
		listing->folders =
			mem_grow(listing->folders, listing->capacity, sizeof(*listing->folders));
	}
	listing->folders[listing->count++] = (struct folder){mem_strdup(prefix), is_split};
	pthread_cond_signal(&listing->changed);
}

static bool is_hexadecimal(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* STREAM-1-2026-11-25-10-00-00-UUID, as Firehose names what it writes uncompressed. */
static bool is_firehose_name(struct str name)
{
	static const char shape[] = "-0-0000-00-00-00-00-00-xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	size_t n = sizeof(shape) - 1;

	if (name.n <= n)
		return false;
	const char *p = name.p + name.n - n;
	for (size_t i = 0; i < n; i++) {
		bool is_same = shape[i] == '0'   ? p[i] >= '0' && p[i] <= '9'
			       : shape[i] == 'x' ? is_hexadecimal(p[i])
						 : p[i] == '-';
		if (!is_same)
			return false;
	}
	return true;
}

static bool is_flow_log(struct str key)
{
	static const struct str suffixes[] = {STR(".log"), STR(".txt"), STR(".gz"), STR(".zst"),
		STR(".parquet"), STR(".json"), STR(".jsonl")};
	struct str name = key, rest = key;

	while (str_split(&rest, '/', &name))
		;
	if (name.n == 0 || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (str_ends_with(name, suffixes[i]))
			return true;
	return is_firehose_name(name);
}

/* Locked. */
static void add_object(struct listing *listing, struct str key, const struct aws_xml_node *node)
{
	struct query_objects *objects = listing->objects;
	struct query_object object = {0};
	uint64_t size = 0;
	int64_t modified_ms = 0;
	struct prune_facts facts;
	bool is_named = listing->named && str_equal(key, str_from(listing->named));

	listing->seen++;
	if (memchr(key.p, '\0', key.n) || (!is_named && !is_flow_log(key)))
		return;
	_cleanup_free_ char *text = mem_printf("%.*s", STR_ARG(key));
	if (listing->pattern && fnmatch(listing->pattern, text,
					strstr(listing->pattern, "**") ? 0 : FNM_PATHNAME) != 0)
		return;
	prune_read_key(key, &facts);
	if (facts.is_other && !is_named)
		return;
	if (!prune_may_match(listing->prune, key)) {
		listing->left_out++;
		return;
	}
	number_parse(aws_xml_text(node, STR("Size")), UINT64_MAX, &size);
	aws_time_parse(aws_xml_text(node, STR("LastModified")), &modified_ms);
	if (size == 0)
		return; /* a folder's mark, or nothing to read */
	object.path = mem_printf(REMOTE_SCHEME "%s/%s", listing->bucket, text);
	object.parquet = str_ends_with(key, STR(".parquet"));
	object.size_bytes = size;
	object.modified_ns = modified_ms * 1000000;
	object.device = (dev_t)-1;
	object.inode = (ino_t)hash_bytes(object.path, strlen(object.path), 0);
	object.remote = mem_new(1, sizeof(*object.remote));
	struct str etag = aws_xml_text(node, STR("ETag"));
	*object.remote = (struct query_remote_object){.remote = listing->remote,
		.bucket = mem_strdup(listing->bucket),
		.key = take(text),
		.etag = mem_printf("%.*s", STR_ARG(etag))};
	if (objects->count == objects->capacity) {
		objects->capacity = objects->capacity * 2 + 16;
		objects->object =
			mem_grow(objects->object, objects->capacity, sizeof(*objects->object));
	}
	objects->object[objects->count++] = object;
}

/* A page: its document; answers are at most 1000 keys. */
static int ask(struct listing *listing, const char *prefix, bool is_split, const char *token,
	struct aws_xml **ret_page, struct err *err)
{
	struct query_remote *remote = listing->remote;
	_cleanup_(aws_answer_done) struct aws_answer answer = {0};
	_cleanup_buf_ struct buf query = {0};
	const struct aws_header payer = {STR("x-amz-request-payer"), STR("requester")};

	if (token) {
		buf_add_text(&query, "continuation-token=");
		aws_uri_encode(&query, str_from(token), AWS_URI_ENCODE_SLASH);
		buf_add_char(&query, '&');
	}
	if (is_split)
		buf_add_text(&query, "delimiter=%2F&");
	buf_add_text(&query, "encoding-type=url&list-type=2&prefix=");
	aws_uri_encode(&query, str_from(prefix), AWS_URI_ENCODE_SLASH);
	const struct aws_call call = {.service = "s3",
		.method = "GET",
		.bucket = str_from(listing->bucket),
		.query = buf_str(&query),
		.headers = &payer,
		.header_count = query_remote_requester_pays(remote) ? 1 : 0};
	query_remote_count(remote, 1, 0);
	if (aws_client_call(query_remote_client(remote), &call, &answer, err) < 0)
		return err_wrap(err, REMOTE_SCHEME "%s/%s", listing->bucket, prefix);
	return aws_xml_parse(ret_page, buf_str(&answer.body), err) < 0
		       ? err_wrap(err, REMOTE_SCHEME "%s/%s: the listing", listing->bucket, prefix)
		       : 0;
}

/* Takes what a page has. */
static void take_page(struct listing *listing, const struct aws_xml_node *root)
{
	_cleanup_buf_ struct buf text = {0};
	uint64_t before = listing->seen;

	pthread_mutex_lock(&listing->lock);
	for (const struct aws_xml_node *node = aws_xml_child(root, STR("Contents")); node;
		node = aws_xml_next(node)) {
		text.n = 0;
		if (aws_uri_decode(&text, aws_xml_text(node, STR("Key")), AWS_URI_PLUS_IS_SPACE))
			add_object(listing, buf_str(&text), node);
	}
	for (const struct aws_xml_node *node = aws_xml_child(root, STR("CommonPrefixes")); node;
		node = aws_xml_next(node)) {
		struct prune_facts facts;
		text.n = 0;
		if (!aws_uri_decode(
			    &text, aws_xml_text(node, STR("Prefix")), AWS_URI_PLUS_IS_SPACE))
			continue;
		prune_read_key(buf_str(&text), &facts);
		if (facts.is_other)
			continue;
		if (prune_may_match_below(listing->prune, buf_str(&text)))
			/* Once there is nothing more to exclude, all at once. */
			push(listing, buf_text(&text), listing->is_pruning && !facts.has_hour);
		else
			listing->left_out++;
	}
	uint64_t more = listing->seen - before;
	pthread_mutex_unlock(&listing->lock);
	query_remote_count(listing->remote, 0, more);
}

static char *next_token(const struct aws_xml_node *root)
{
	struct str token = aws_xml_text(root, STR("NextContinuationToken"));

	if (!str_equal(aws_xml_text(root, STR("IsTruncated")), STR("true")) || !token.n)
		return NULL;
	return mem_printf("%.*s", STR_ARG(token));
}

static int list_folder(struct listing *listing, const struct folder *folder, struct err *err)
{
	_cleanup_free_ char *token = NULL;
	bool is_split = folder->is_split;

	for (;;) {
		_cleanup_(aws_xml_freep) struct aws_xml *page = NULL;
		if (listing->failed)
			return 0;
		if (ask(listing, folder->prefix, is_split, token, &page, err) < 0)
			return -1;
		const struct aws_xml_node *root = aws_xml_root(page);
		char *next = next_token(root);
		if (next && !is_split) {
			/* Too many for one: from the start, by folders. */
			is_split = true;
			free(next);
			continue;
		}
		free(token);
		token = next;
		take_page(listing, root);
		if (!token)
			return 0;
	}
}

static void *work(void *context)
{
	struct listing *listing = context;

	pthread_mutex_lock(&listing->lock);
	for (;;) {
		while (listing->count == 0 && listing->busy && !listing->failed)
			pthread_cond_wait(&listing->changed, &listing->lock);
		if (listing->count == 0 || listing->failed)
			break;
		struct folder folder = listing->folders[--listing->count];
		struct err err = ERR_INIT;
		listing->busy++;
		pthread_mutex_unlock(&listing->lock);
		int result = list_folder(listing, &folder, &err);
		pthread_mutex_lock(&listing->lock);
		listing->busy--;
		free(folder.prefix);
		if (result < 0 && !listing->failed) {
			listing->failed = true;
			listing->err = err;
		}
		pthread_cond_broadcast(&listing->changed);
	}
	pthread_cond_broadcast(&listing->changed);
	pthread_mutex_unlock(&listing->lock);
	return NULL;
}

static int run(struct listing *listing, const char *prefix, struct err *err)
{
	pthread_t threads[LIST_THREADS];
	unsigned started = 0;

	pthread_mutex_lock(&listing->lock);
	push(listing, prefix, listing->is_pruning);
	pthread_mutex_unlock(&listing->lock);
	for (; started + 1 < LIST_THREADS; started++)
		if (pthread_create(&threads[started], NULL, work, listing) != 0)
			break;
	work(listing);
	while (started)
		pthread_join(threads[--started], NULL);
	while (listing->count)
		free(listing->folders[--listing->count].prefix);
	if (!listing->failed)
		return 0;
	if (err)
		*err = listing->err;
	return -1;
}

static int nothing_there(const struct listing *listing, const char *location, struct err *err)
{
	err_set(err, ERR_NOT_FOUND, "there is no flow log in %s", location);
	if (listing->seen == 0)
		return err_hint(err, "no key begins so: is the prefix right?");
	return err_hint(err,
		"keys ending in .log, .txt, .gz, .zst, .json or .parquet are looked for; others can "
		"be named one by one");
}

/* A prefix is a folder, with or without '/' at its end, or a key; when it is neither, keys that
 * begin so are taken. */
static int list_prefix(struct listing *listing, const char *prefix, struct err *err)
{
	size_t n = strlen(prefix);

	if (n == 0 || prefix[n - 1] == '/')
		return run(listing, prefix, err);
	_cleanup_free_ char *folder = mem_printf("%s/", prefix);
	listing->named = prefix;
	if (run(listing, folder, err) < 0)
		return -1;
	return listing->seen || listing->left_out ? 0 : run(listing, prefix, err);
}

int query_remote_list(struct query_remote *remote, const char *location, const struct prune *prune,
	struct query_objects *objects, uint64_t *ret_left_out, struct err *err)
{
	struct str rest = str_from(location + strlen(REMOTE_SCHEME)), bucket;
	size_t before = objects->count;
	int result;

	str_split(&rest, '/', &bucket);
	if (bucket.n == 0)
		return err_set(
			err, ERR_USAGE, "location %s: expected s3://BUCKET/PREFIX", location);
	_cleanup_free_ char *prefix = mem_printf("%.*s", STR_ARG(rest));
	size_t plain = strcspn(prefix, "*?[");
	struct listing listing = {.remote = remote,
		.bucket = mem_printf("%.*s", STR_ARG(bucket)),
		.pattern = prefix[plain] ? prefix : NULL,
		.prune = prune,
		.is_pruning = !prune_is_everything(prune),
		.objects = objects,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER};
	query_remote_set_listing(remote, true);
	if (listing.pattern) {
		_cleanup_free_ char *start = mem_printf("%.*s", (int)plain, prefix);
		result = run(&listing, start, err);
	} else {
		result = list_prefix(&listing, prefix, err);
	}
	query_remote_set_listing(remote, false);
	if (result == 0 && objects->count == before && listing.left_out == 0)
		result = nothing_there(&listing, location, err);
	*ret_left_out += listing.left_out;
	free(listing.folders);
	free(listing.bucket);
	return result;
}
