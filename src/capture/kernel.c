#include "capture/live_priv.h"
#include "capture/types.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static char last_message[200];

static int keep_message(enum libbpf_print_level level, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

static int keep_message(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char message[sizeof(last_message)];

	/* The first warning names the cause; the ones behind it only what failed with it. The
	 * verifier's log is many lines: not for a sentence. */
	if (level != LIBBPF_WARN || last_message[0])
		return 0;
	vsnprintf(message, sizeof(message), format, arguments);
	if (strstr(message, "Retrying without BTF")) /* a map of maps, libbpf 0.5: no failure */
		return 0;
	message[strcspn(message, "\n")] = 0;
	memcpy(last_message, message, sizeof(message));
	return 0;
}

void capture_libbpf_quiet(void)
{
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(keep_message);
	last_message[0] = 0;
}

const char *capture_libbpf_message(void)
{
	return last_message;
}

bool capture_kernel_has_reason(const char *name)
{
	struct btf *btf = capture_types_load();
	bool found = false;
	int id;

	if (!btf)
		return false;
	id = btf__find_by_name_kind(btf, "skb_drop_reason", BTF_KIND_ENUM);
	if (id > 0) {
		const struct btf_type *type = btf__type_by_id(btf, (__u32)id);
		const struct btf_enum *values = btf_enum(type);

		for (int i = 0; i < btf_vlen(type) && !found; i++)
			found = strcmp(btf__name_by_offset(btf, values[i].name_off), name) == 0;
	}
	btf__free(btf);
	return found;
}

size_t capture_kernel_functions(
	const char *const *names, size_t count, struct capture_code *ret_code)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	size_t found = 0, open_code = count;
	unsigned long long address;
	char name[128], type;

	memset(ret_code, 0, count * sizeof(*ret_code));
	if (!file)
		return 0;
	/* The rest of the line, a module's name, goes with the line's end. Symbols are sorted by
	 * address within the kernel and within a module: the next one is the end. */
	while (fscanf(file, "%llx %c %127s%*[^\n]", &address, &type, name) >= 3) {
		if (open_code < count && address > ret_code[open_code].start) {
			ret_code[open_code].end = address;
			open_code = count;
			if (++found == count)
				break;
		}
		for (size_t i = 0; i < count && address; i++) {
			if (strcmp(name, names[i]) == 0) {
				ret_code[i].start = address;
				open_code = i;
			}
		}
	}
	fclose(file);
	return found;
}

bool capture_kernel_has_struct(const char *name)
{
	struct btf *base = capture_types_load(), *module;
	bool found;

	if (!base)
		return false;
	found = btf__find_by_name_kind(base, name, BTF_KIND_STRUCT) > 0;
	if (!found && !capture_types_path()) { /* those of modules are read with the kernel's own */
		module = btf__load_module_btf("nf_conntrack", base);
		if (!libbpf_get_error(module)) {
			found = btf__find_by_name_kind(module, name, BTF_KIND_STRUCT) > 0;
			btf__free(module);
		}
	}
	btf__free(base);
	return found;
}
