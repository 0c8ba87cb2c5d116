/* The file needs no synchronisation: it is of no use after a power loss, which ends the boot. */
#include "vpc/ids.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)32 << 20)

struct known {
	uint32_t ifindex;
	bool is_present; /* in the list that is being looked at */
	char id[VPC_ID_SIZE];
	char name[IF_NAMESIZE];
	char kind[16];
	uint8_t mac[6];
};

struct vpc_ids {
	pthread_mutex_t lock;
	char *path;
	char boot[64];
	uint64_t space;      /* inode of the name space */
	struct known *known; /* sorted by ifindex */
	size_t count;
	bool is_changed; /* since it was written */
};

static int compare(const void *a_, const void *b_)
{
	const struct known *a = a_, *b = b_;

	return (a->ifindex > b->ifindex) - (a->ifindex < b->ifindex);
}

static struct known *find(const struct vpc_ids *ids, uint32_t ifindex)
{
	const struct known key = {.ifindex = ifindex};

	return ids->count ? bsearch(&key, ids->known, ids->count, sizeof(key), compare) : NULL;
}

/* ---- the file ---- */

static void print_mac(char ret_text[static 18], const uint8_t mac[static 6])
{
	snprintf(ret_text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5]);
}

static bool take_entry(struct known *known, const json_t *object)
{
	const char *id = json_string_value(json_object_get(object, "Id"));
	const char *name = json_string_value(json_object_get(object, "Name"));
	const char *kind = json_string_value(json_object_get(object, "Kind"));
	const char *mac = json_string_value(json_object_get(object, "Mac"));
	json_int_t ifindex = json_integer_value(json_object_get(object, "Index"));
	int end = 0;

	if (!id || !name || !kind || !mac || ifindex <= 0 || ifindex > INT32_MAX ||
		strlen(id) >= sizeof(known->id) || strlen(name) >= sizeof(known->name) ||
		strlen(kind) >= sizeof(known->kind))
		return false;
	*known = (struct known){.ifindex = (uint32_t)ifindex};
	snprintf(known->id, sizeof(known->id), "%s", id);
	snprintf(known->name, sizeof(known->name), "%s", name);
	snprintf(known->kind, sizeof(known->kind), "%s", kind);
	uint8_t *m = known->mac;
	return sscanf(mac, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1], &m[2], &m[3],
		       &m[4], &m[5], &end) == 6 &&
	       end == 17 && !mac[17];
}

static void load(struct vpc_ids *ids)
{
	_cleanup_buf_ struct buf text = {0};

	if (!ids->path || file_read(ids->path, FILE_MAX, &text, NULL) < 0)
		return;
	json_t *file = json_loadb(text.p, text.n, 0, NULL);
	const char *boot = json_string_value(json_object_get(file, "BootId"));
	json_int_t space = json_integer_value(json_object_get(file, "Namespace"));
	const json_t *list = json_object_get(file, "Interfaces"), *object;
	size_t i;
	if (boot && strcmp(boot, ids->boot) == 0 && (uint64_t)space == ids->space) {
		ids->known = mem_new(json_array_size(list) + 1, sizeof(*ids->known));
		json_array_foreach(list, i, object) ids->count +=
			take_entry(&ids->known[ids->count], object);
		qsort(ids->known, ids->count, sizeof(*ids->known), compare);
	}
	json_decref(file);
}

static char *print(const struct vpc_ids *ids)
{
	json_t *file = json_object(), *list = json_array();

	json_object_set_new(file, "BootId", json_string(ids->boot));
	json_object_set_new(file, "Namespace", json_integer((json_int_t)ids->space));
	for (size_t i = 0; i < ids->count; i++) {
		const struct known *known = &ids->known[i];
		char mac[18];
		print_mac(mac, known->mac);
		/* Names of devices are bytes; one that is no UTF-8 is derived anew. */
		json_t *object = json_pack("{s:I, s:s, s:s, s:s, s:s}", "Index",
			(json_int_t)known->ifindex, "Id", known->id, "Name", known->name, "Kind",
			known->kind, "Mac", mac);
		if (object)
			json_array_append_new(list, object);
	}
	json_object_set_new(file, "Interfaces", list);
	char *text = json_dumps(file, JSON_INDENT(1));
	json_decref(file);
	return text;
}

static int save(struct vpc_ids *ids, struct err *err)
{
	if (!ids->path || !ids->is_changed)
		return 0;
	_cleanup_free_ char *text = print(ids);
	_cleanup_free_ char *draft = mem_printf("%s.new", ids->path);
	_cleanup_close_ int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return err_set_errno(err, errno, "%s", draft);
	size_t size = text ? strlen(text) : 0;
	ssize_t written = text ? write(fd, text, size) : -1;
	if (written < 0 || (size_t)written < size) {
		int error = written < 0 ? errno : ENOSPC;
		unlink(draft);
		return err_set_errno(err, error, "%s", draft);
	}
	if (rename(draft, ids->path) < 0)
		return err_set_errno(err, errno, "%s", ids->path);
	ids->is_changed = false;
	return 0;
}

/* ---- open and close ---- */

static int read_boot(struct vpc_ids *ids, struct err *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	_cleanup_buf_ struct buf text = {0};
	struct stat space;

	if (file_read(path, sizeof(ids->boot) - 1, &text, err) < 0)
		return -1;
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	memcpy(ids->boot, text.p, text.n);
	if (stat("/proc/self/ns/net", &space) < 0)
		return err_set_errno(err, errno, "cannot read /proc/self/ns/net");
	ids->space = space.st_ino;
	return 0;
}

int vpc_ids_open(struct vpc_ids **ret_ids, const char *path, struct err *err)
{
	struct vpc_ids *ids = mem_new(1, sizeof(*ids));

	pthread_mutex_init(&ids->lock, NULL);
	if (read_boot(ids, err) < 0) {
		vpc_ids_free(ids);
		return -1;
	}
	ids->path = path ? mem_strdup(path) : NULL;
	load(ids);
	*ret_ids = ids;
	return 0;
}

void vpc_ids_free(struct vpc_ids *ids)
{
	if (!ids)
		return;
	pthread_mutex_destroy(&ids->lock);
	free(ids->known);
	free(ids->path);
	free(ids);
}

/* ---- applying ---- */

static bool is_same(const struct known *known, const struct vpc_interface *interface)
{
	return strcmp(known->kind, interface->kind) == 0 &&
	       (strcmp(known->name, interface->name) == 0 ||
		       memcmp(known->mac, interface->mac, sizeof(known->mac)) == 0);
}

static void remember(
	struct vpc_ids *ids, struct known *known, const struct vpc_interface *interface)
{
	ids->is_changed |= known->ifindex != interface->ifindex ||
			   strcmp(known->id, interface->id) != 0 ||
			   strcmp(known->name, interface->name) != 0 ||
			   strcmp(known->kind, interface->kind) != 0 ||
			   memcmp(known->mac, interface->mac, sizeof(known->mac)) != 0;
	known->ifindex = interface->ifindex;
	known->is_present = true;
	memcpy(known->id, interface->id, sizeof(known->id));
	memcpy(known->name, interface->name, sizeof(known->name));
	memcpy(known->kind, interface->kind, sizeof(known->kind));
	memcpy(known->mac, interface->mac, sizeof(known->mac));
}

static bool is_taken(const struct vpc_ids *ids, const char *id)
{
	for (size_t i = 0; i < ids->count; i++) {
		if (ids->known[i].is_present && strcmp(ids->known[i].id, id) == 0)
			return true;
	}
	return false;
}

static void add(struct vpc_ids *ids, struct vpc_interface *interface)
{
	struct known *known = find(ids, interface->ifindex);

	if (is_taken(ids, interface->id)) {
		char identity[IF_NAMESIZE + sizeof(ids->boot) + 16];
		int n = snprintf(identity, sizeof(identity), "%s %u %s", interface->name,
			interface->ifindex, ids->boot);
		vpc_id_make(interface->id, "eni", (struct str){identity, (size_t)n});
	}
	if (!known) {
		ids->known = mem_grow(ids->known, ids->count + 1, sizeof(*ids->known));
		size_t place = ids->count++;
		for (; place && ids->known[place - 1].ifindex > interface->ifindex; place--)
			ids->known[place] = ids->known[place - 1];
		known = &ids->known[place];
		memset(known, 0, sizeof(*known));
	}
	remember(ids, known, interface);
}

static void forget_gone(struct vpc_ids *ids)
{
	size_t kept = 0;

	for (size_t i = 0; i < ids->count; i++) {
		if (ids->known[i].is_present)
			ids->known[kept++] = ids->known[i];
	}
	ids->is_changed |= kept != ids->count;
	ids->count = kept;
}

int vpc_ids_apply(struct vpc_ids *ids, struct vpc_interface *interfaces, size_t count,
	bool is_whole, struct err *err)
{
	_cleanup_free_ bool *is_new = mem_new(count + 1, sizeof(*is_new));

	pthread_mutex_lock(&ids->lock);
	for (size_t i = 0; i < ids->count; i++)
		ids->known[i].is_present = false;
	/* Those that have an id first: a new one must not take it. */
	for (size_t i = 0; i < count; i++) {
		struct known *known = find(ids, interfaces[i].ifindex);
		is_new[i] = !known || !is_same(known, &interfaces[i]);
		if (is_new[i])
			continue;
		memcpy(interfaces[i].id, known->id, sizeof(known->id));
		remember(ids, known, &interfaces[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (is_new[i])
			add(ids, &interfaces[i]);
	}
	if (is_whole)
		forget_gone(ids);
	int result = save(ids, err);
	pthread_mutex_unlock(&ids->lock);
	return result;
}
