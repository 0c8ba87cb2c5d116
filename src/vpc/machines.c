#include "vpc/machines_priv.h"

#include "base/file.h"
#include "base/number.h"

#include <dirent.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX     ((size_t)4 << 20)
#define MACHINES_MAX 4096

static void add(struct vpc_machines *machines, struct str device, struct str id, struct str name)
{
	if (!device.n || device.n >= IF_NAMESIZE || !name.n || machines->count == MACHINES_MAX)
		return;
	machines->machine =
		mem_grow(machines->machine, machines->count + 1, sizeof(machines->machine[0]));
	struct vpc_machine *machine = &machines->machine[machines->count++];
	*machine = (struct vpc_machine){.device = ""};
	memcpy(machine->device, device.p, device.n);
	snprintf(machine->owner.kind, sizeof(machine->owner.kind), "vm");
	snprintf(machine->owner.id, sizeof(machine->owner.id), "%.*s",
		(int)(id.n < 128 ? id.n : 128), id.p);
	snprintf(machine->owner.title, sizeof(machine->owner.title), "%.*s",
		(int)(name.n < 255 ? name.n : 255), name.p);
}

/* ---- libvirt ---- */

static xmlNode *child(const xmlNode *node, const char *name)
{
	for (xmlNode *one = node ? node->children : NULL; one; one = one->next) {
		if (one->type == XML_ELEMENT_NODE && strcmp((const char *)one->name, name) == 0)
			return one;
	}
	return NULL;
}

static char *text_of(const xmlNode *node)
{
	xmlChar *content = node ? xmlNodeGetContent(node) : NULL;
	char *text = mem_strdup(content ? (const char *)content : "");

	xmlFree(content);
	return text;
}

static void add_domain(struct vpc_machines *machines, const xmlNode *domain)
{
	_cleanup_free_ char *name = text_of(child(domain, "name"));
	_cleanup_free_ char *uuid = text_of(child(domain, "uuid"));
	const xmlNode *devices = child(domain, "devices");

	for (const xmlNode *one = devices ? devices->children : NULL; one; one = one->next) {
		if (one->type != XML_ELEMENT_NODE ||
			strcmp((const char *)one->name, "interface") != 0)
			continue;
		xmlNode *target = child(one, "target");
		xmlChar *device = target ? xmlGetProp(target, (const xmlChar *)"dev") : NULL;
		if (device)
			add(machines, str_from((const char *)device), str_from(*uuid ? uuid : name),
				str_from(name));
		xmlFree(device);
	}
}

static void read_domain(struct vpc_machines *machines, const char *path)
{
	_cleanup_buf_ struct buf text = {0};

	if (file_read(path, FILE_MAX, &text, NULL) < 0)
		return;
	xmlDoc *document = xmlReadMemory(text.p, (int)text.n, "domain.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	const xmlNode *top = document ? xmlDocGetRootElement(document) : NULL;
	/* <domstatus><domain>...</domain></domstatus> while it runs. */
	if (top && strcmp((const char *)top->name, "domain") == 0)
		add_domain(machines, top);
	else if (child(top, "domain"))
		add_domain(machines, child(top, "domain"));
	xmlFreeDoc(document);
}

static void read_domains(struct vpc_machines *machines, const char *root)
{
	_cleanup_free_ char *path = mem_printf("%s/run/libvirt/qemu", root);
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		_cleanup_free_ char *file = mem_printf("%s/%s", path, entry->d_name);
		if (str_ends_with(str_from(entry->d_name), STR(".xml")))
			read_domain(machines, file);
	}
	if (folder)
		closedir(folder);
}

/* ---- QEMU ---- */

/* The value of NAME=VALUE in a list with commas. */
static struct str option(struct str list, struct str name)
{
	struct str part;

	while (str_split(&list, ',', &part)) {
		struct str key, value = part;
		if (str_split(&value, '=', &key) && value.p && str_equal(key, name))
			return value;
	}
	return STR_NONE;
}

bool vpc_machines_is_program(struct str program)
{
	for (size_t i = program.n; i-- > 0;) {
		if (program.p[i] == '/') {
			program = (struct str){program.p + i + 1, program.n - i - 1};
			break;
		}
	}
	return str_starts_with(program, STR("qemu")) || str_equal(program, STR("kvm"));
}

/* Arguments, each with a NUL behind it. */
static void read_arguments(struct vpc_machines *machines, struct str rest)
{
	struct str argument, before = STR_NONE, name = STR_NONE, id = STR_NONE, scan;

	if (!str_split(&rest, '\0', &argument) || !vpc_machines_is_program(argument))
		return;
	scan = rest;
	while (str_split(&scan, '\0', &argument)) {
		if (str_equal(before, STR("-name"))) {
			struct str guest = option(argument, STR("guest"));
			struct str list = argument;
			if (!guest.p && !str_split(&list, ',', &guest))
				guest = argument;
			name = guest;
		} else if (str_equal(before, STR("-uuid"))) {
			id = argument;
		}
		before = argument;
	}
	while (str_split(&rest, '\0', &argument))
		add(machines, option(argument, STR("ifname")), id.n ? id : name, name);
}

static void read_processes(struct vpc_machines *machines, const char *root)
{
	_cleanup_free_ char *path = mem_printf("%s/proc", root);
	DIR *folder = opendir(path);
	const struct dirent *entry;
	uint64_t pid;

	while (folder && (entry = readdir(folder))) {
		if (!number_parse(str_from(entry->d_name), UINT32_MAX, &pid))
			continue;
		_cleanup_free_ char *file = mem_printf("%s/%s/cmdline", path, entry->d_name);
		_cleanup_buf_ struct buf line = {0};
		if (file_read(file, FILE_MAX, &line, NULL) == 0)
			read_arguments(machines, buf_str(&line));
	}
	if (folder)
		closedir(folder);
}

void vpc_machines_read(struct vpc_machines *ret_machines, const char *root)
{
	*ret_machines = (struct vpc_machines){0};
	read_domains(ret_machines, root);
	read_processes(ret_machines, root);
}

void vpc_machines_done(struct vpc_machines *machines)
{
	free(machines->machine);
	*machines = (struct vpc_machines){0};
}

const struct vpc_container *vpc_machines_find(
	const struct vpc_machines *machines, const char *device)
{
	for (size_t i = 0; i < machines->count; i++) {
		if (strcmp(machines->machine[i].device, device) == 0)
			return &machines->machine[i].owner;
	}
	return NULL;
}
