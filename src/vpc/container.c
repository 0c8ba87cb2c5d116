#include "vpc/container.h"

#include "base/file.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX      ((size_t)4 << 20)
#define SHORT_ID      12 /* as `docker ps` */
#define ENGINE_ID_MIN 32

/* ---- control groups ---- */

static bool is_hex(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return text.n > 0;
}

static struct str without(struct str text, struct str prefix, struct str suffix)
{
	if (!str_starts_with(text, prefix) || !str_ends_with(text, suffix) ||
		text.n < prefix.n + suffix.n)
		return STR_NONE;
	return (struct str){text.p + prefix.n, text.n - prefix.n - suffix.n};
}

static void set_title(struct vpc_container *container, struct str title)
{
	snprintf(container->title, sizeof(container->title), "%.*s",
		(int)(title.n < sizeof(container->title) ? title.n : sizeof(container->title) - 1),
		title.p);
}

static void set(struct vpc_container *container, const char *kind, struct str id, struct str title)
{
	snprintf(container->kind, sizeof(container->kind), "%s", kind);
	snprintf(container->id, sizeof(container->id), "%.*s",
		(int)(id.n < sizeof(container->id) ? id.n : sizeof(container->id) - 1), id.p);
	set_title(container, title);
}

/* "3-web" with systemd's \x2d for each '-': the name of a machine behind its number. */
static void set_machine(struct vpc_container *container, const char *kind, struct str text)
{
	char name[256];
	size_t n = 0;

	for (size_t i = 0; i < text.n && n + 1 < sizeof(name); i++) {
		if (text.n - i >= 4 && memcmp(text.p + i, "\\x2d", 4) == 0) {
			name[n++] = '-';
			i += 3;
		} else {
			name[n++] = text.p[i];
		}
	}
	struct str title = {name, n};
	size_t digits = strspn(name, "0123456789");
	if (digits && digits < n && name[digits] == '-')
		title = (struct str){name + digits + 1, n - digits - 1};
	set(container, kind, (struct str){name, n}, title);
}

/* "docker-ID.scope", "cri-containerd-ID.scope", "libpod-ID.scope", or the id alone. */
static struct str engine_id(struct str part)
{
	struct str text =
		str_ends_with(part, STR(".scope")) ? (struct str){part.p, part.n - 6} : part;

	for (size_t i = text.n; i-- > 0;) {
		if (text.p[i] == '-' || text.p[i] == ':') {
			text = (struct str){text.p + i + 1, text.n - i - 1};
			break;
		}
	}
	return text.n >= ENGINE_ID_MIN && is_hex(text) ? text : STR_NONE;
}

/* One folder of a control group's path. */
static bool take_part(struct str part, bool is_pod, struct vpc_container *container)
{
	static const struct {
		struct str prefix, suffix;
		const char *kind;
	} machines[] = {{{"machine-qemu\\x2d", 16}, {".scope", 6}, "vm"},
		{{"machine-", 8}, {".scope", 6}, "container"},
		{{"systemd-nspawn@", 15}, {".service", 8}, "container"},
		{{"lxc.payload.", 12}, {"", 0}, "container"}};
	struct str id = engine_id(part);

	if (id.n) {
		set(container, is_pod ? "pod" : "container", id, (struct str){id.p, SHORT_ID});
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(machines); i++) {
		struct str name = without(part, machines[i].prefix, machines[i].suffix);
		if (name.n) {
			set_machine(container, machines[i].kind, name);
			return true;
		}
	}
	return false;
}

bool vpc_container_from_cgroup(struct str lines, struct vpc_container *ret_container)
{
	struct vpc_container container = {.kind = ""};
	struct str line;
	bool found = false;

	/* "HIERARCHY:CONTROLLERS:PATH". The innermost container names it. */
	while (!found && str_split(&lines, '\n', &line)) {
		struct str number, controllers, part;
		if (!str_split(&line, ':', &number) || !str_split(&line, ':', &controllers) ||
			!line.p)
			continue;
		bool is_pod = memmem(line.p, line.n, "kubepods", 8) != NULL;
		while (str_split(&line, '/', &part))
			found |= part.n && take_part(part, is_pod, &container);
	}
	if (found)
		*ret_container = container;
	return found;
}

/* ---- names ---- */

static json_t *load(const char *root, const char *format, const char *id)
{
	_cleanup_free_ char *below = mem_printf(format, id);
	_cleanup_free_ char *path = mem_printf("%s%s", root, below);
	_cleanup_buf_ struct buf text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return NULL;
	return json_loadb(text.p, text.n, 0, NULL);
}

static bool name_of_pod(struct vpc_container *container, const json_t *labels)
{
	static const char *const names[][2] = {
		{"io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name"},
		{"io.kubernetes.pod.namespace", "io.kubernetes.pod.name"}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *space = json_string_value(json_object_get(labels, names[i][0]));
		const char *name = json_string_value(json_object_get(labels, names[i][1]));
		if (!space || !name)
			continue;
		snprintf(container->kind, sizeof(container->kind), "pod");
		snprintf(container->title, sizeof(container->title), "%s/%s", space, name);
		return true;
	}
	return false;
}

/* Docker: {"Name": "/web", "Config": {"Labels": {...}}}. */
static bool name_by_docker(struct vpc_container *container, const char *root)
{
	json_t *config = load(root, "/var/lib/docker/containers/%s/config.v2.json", container->id);
	const char *name = json_string_value(json_object_get(config, "Name"));
	bool found = name_of_pod(
		container, json_object_get(json_object_get(config, "Config"), "Labels"));

	if (!found && name) {
		set_title(container, str_from(name[0] == '/' ? name + 1 : name));
		found = true;
	}
	json_decref(config);
	return found;
}

/* The OCI bundle of containerd, CRI-O and Podman: {"annotations": {...}}. */
static bool name_by_bundle(struct vpc_container *container, const char *root)
{
	static const char *const paths[] = {
		"/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json",
		"/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/%s/config.json",
		"/run/containerd/io.containerd.runtime.v2.task/default/%s/config.json",
		"/run/containers/storage/overlay-containers/%s/userdata/config.json"};
	bool found = false;

	for (size_t i = 0; i < ARRAY_SIZE(paths) && !found; i++) {
		json_t *config = load(root, paths[i], container->id);
		const json_t *notes = json_object_get(config, "annotations");
		const char *name = json_string_value(json_object_get(notes, "nerdctl/name"));
		found = name_of_pod(container, notes);
		if (!found && name) {
			set_title(container, str_from(name));
			found = true;
		}
		json_decref(config);
	}
	return found;
}

/* containers/storage: [{"id": "...", "names": ["web"]}, ...]. */
static bool name_by_storage(struct vpc_container *container, const char *root)
{
	json_t *all =
		load(root, "/var/lib/containers/storage/overlay-containers/containers.json%s", "");
	const json_t *one;
	size_t i;
	bool found = false;

	json_array_foreach(all, i, one)
	{
		const char *id = json_string_value(json_object_get(one, "id"));
		const char *name =
			json_string_value(json_array_get(json_object_get(one, "names"), 0));
		if (id && name && strcmp(id, container->id) == 0) {
			set_title(container, str_from(name));
			found = true;
		}
	}
	json_decref(all);
	return found;
}

void vpc_container_name(struct vpc_container *container, const char *root)
{
	if (!is_hex(str_from(container->id)))
		return; /* a machine, and its name is its id */
	if (name_by_docker(container, root) || name_by_bundle(container, root))
		return;
	(void)name_by_storage(container, root);
}
