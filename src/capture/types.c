/* A libbpf that is older than the kernel knows fewer kinds of types than the kernel's BTF has and
 * refuses all of it: Ubuntu 22.04 has libbpf 0.5 and, with its hardware enablement or a cloud's
 * kernel, enumerations of 64 bits (kernel 6.0) and tags. Each such type is replaced by an older
 * kind under the same number, so that all references stay (Documentation/bpf/btf.rst has the
 * layout): ENUM64    ENUM, values cut to 32 bits: what is looked up are drop reasons, which fit
 *   TYPE_TAG  CONST, which is passed through in the same way
 *   DECL_TAG  TYPEDEF: nothing refers to it */
#include "capture/types.h"

#include "base/file.h"
#include "capture/live_priv.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define KERNEL_TYPES     "/sys/kernel/btf/vmlinux"
#define KERNEL_TYPES_MAX (256u << 20)

/* Of linux/btf.h; older ones end before. */
#define KIND_DECL_TAG 17
#define KIND_TYPE_TAG 18
#define KIND_ENUM64   19

#define INFO_VLEN(info)          ((info)&0xffff)
#define INFO_KIND(info)          ((info) >> 24 & 0x1f)
#define INFO_OTHER_KIND(i, kind) (((i)&0x8000ffff) | (uint32_t)(kind) << 24)

static bool always_simplify;

void capture_types_always_simplify(void)
{
	always_simplify = true;
}

/* Bytes behind a type's first three words; -1 for a kind that is newer than this. */
static int64_t rest_size(uint32_t info)
{
	uint32_t n = INFO_VLEN(info);

	switch (INFO_KIND(info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return 12;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case KIND_ENUM64:
		return 12 * (int64_t)n;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 8 * (int64_t)n;
	default:
		return INFO_KIND(info) && INFO_KIND(info) <= KIND_ENUM64 ? 0 : -1;
	}
}

/* One type: words[3] and its rest. */
static void add_type(struct buf *out, const uint32_t *words, const char *rest, size_t rest_n)
{
	uint32_t head[3] = {words[0], words[1], words[2]};
	uint32_t info = words[1];

	if (INFO_KIND(info) == KIND_ENUM64)
		head[1] = INFO_OTHER_KIND(info, BTF_KIND_ENUM);
	if (INFO_KIND(info) == KIND_TYPE_TAG) {
		head[0] = 0; /* only a tag has a name */
		head[1] = INFO_OTHER_KIND(0, BTF_KIND_CONST);
	}
	if (INFO_KIND(info) == KIND_DECL_TAG)
		head[1] = INFO_OTHER_KIND(0, BTF_KIND_TYPEDEF);
	buf_add(out, head, sizeof(head));
	if (INFO_KIND(info) == KIND_ENUM64) {
		for (uint32_t i = 0; i < INFO_VLEN(info); i++)
			buf_add(out, rest + (size_t)12 * i, 8); /* name and the lower half */
	} else if (INFO_KIND(info) != KIND_DECL_TAG) {
		buf_add(out, rest, rest_n);
	}
}

int capture_types_simplify(struct str types, struct buf *out, struct err *err)
{
	struct btf_header header;

	if (types.n < sizeof(header))
		return err_set(err, ERR_INPUT, "type information of %zu bytes", types.n);
	memcpy(&header, types.p, sizeof(header));
	uint64_t start = header.hdr_len + (uint64_t)header.type_off;
	uint64_t end = start + header.type_len;
	uint64_t strings = header.hdr_len + (uint64_t)header.str_off;
	if (header.magic != BTF_MAGIC || header.hdr_len < sizeof(header) || end > types.n ||
		strings + header.str_len > types.n)
		return err_set(err, ERR_INPUT, "type information with a damaged header");
	buf_add(out, &header, sizeof(header));
	for (uint64_t at = start; at < end;) {
		uint32_t words[3];
		if (end - at < sizeof(words))
			return err_set(err, ERR_INPUT, "type information that is cut off");
		memcpy(words, types.p + at, sizeof(words));
		at += sizeof(words);
		int64_t n = rest_size(words[1]);
		if (n < 0 || (uint64_t)n > end - at)
			return err_set(err, ERR_INPUT, "type information of unknown kind %u",
				INFO_KIND(words[1]));
		add_type(out, words, types.p + at, (size_t)n);
		at += (uint64_t)n;
	}
	header.hdr_len = sizeof(header);
	header.type_off = 0;
	header.type_len = header.str_off = (uint32_t)(out->n - sizeof(header));
	memcpy(out->p, &header, sizeof(header));
	buf_add(out, types.p + strings, header.str_len);
	return 0;
}

static bool libbpf_reads_kernel_types(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	bool failed = libbpf_get_error(btf) != 0;

	if (!failed)
		btf__free(btf);
	capture_libbpf_quiet(); /* what it said of that is not the cause of anything later */
	return !failed && !always_simplify;
}

const char *capture_types_path(void)
{
	static char path[32];
	_cleanup_buf_ struct buf kernel = {0}, simple = {0};
	_cleanup_close_ int fd = -1;

	if (path[0] || libbpf_reads_kernel_types())
		return path[0] ? path : NULL;
	if (file_read(KERNEL_TYPES, KERNEL_TYPES_MAX, &kernel, NULL) < 0 ||
		capture_types_simplify(buf_str(&kernel), &simple, NULL) < 0)
		return NULL;
	fd = memfd_create("nagare-types", MFD_CLOEXEC);
	if (fd < 0 || write(fd, simple.p, simple.n) != (ssize_t)simple.n)
		return NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", take_fd(fd));
	return path;
}

struct btf *capture_types_load(void)
{
	const char *path = capture_types_path();
	struct btf *btf = path ? btf__parse(path, NULL) : btf__load_vmlinux_btf();

	return libbpf_get_error(btf) ? NULL : btf;
}
