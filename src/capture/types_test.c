/* Types in the layout of Documentation/bpf/btf.rst, built by hand, and this kernel's own, which
 * libbpf reads before and after. */
#include "capture/types.h"

#include "base/file.h"
#include "capture/live_priv.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define INFO(kind, n) ((uint32_t)(kind) << 24 | (n))

/* Names at 1 "int", 5 "reason", 12 "A", 14 "B", 16 "tag". */
static const char names[] = "\0int\0reason\0A\0B\0tag";
static const uint32_t types[] = {
	1, INFO(BTF_KIND_INT, 0), 4, 32, /* 1: int */
	5, INFO(19, 2), 8, 12, 7, 0, 14, 0xffff,
	1,                               /* 2: enum64 reason { A = 7, B = 2^32 + 65535 } */
	16, INFO(18, 0), 1,              /* 3: type tag of 1 */
	0, INFO(BTF_KIND_PTR, 0), 3,     /* 4: pointer to 3 */
	16, INFO(17, 0), 2, UINT32_MAX,  /* 5: declaration tag of 2 */
	5, INFO(BTF_KIND_TYPEDEF, 0), 2, /* 6: typedef of 2 */
};

static void make_types(struct buf *bytes, uint32_t type_bytes)
{
	struct btf_header header = {.magic = BTF_MAGIC,
		.version = 1,
		.hdr_len = sizeof(header),
		.type_len = type_bytes,
		.str_off = type_bytes,
		.str_len = sizeof(names)};

	buf_add(bytes, &header, sizeof(header));
	buf_add(bytes, types, type_bytes);
	buf_add(bytes, names, sizeof(names));
}

static void newer_kinds_become_older_ones(void **state)
{
	_cleanup_buf_ struct buf bytes = {0}, simple = {0};

	make_types(&bytes, sizeof(types));
	assert_int_equal(capture_types_simplify(buf_str(&bytes), &simple, NULL), 0);
	struct btf *btf = btf__new(simple.p, (uint32_t)simple.n);
	assert_int_equal(libbpf_get_error(btf), 0);
	const struct btf_type *reason = btf__type_by_id(btf, 2);
	assert_int_equal(btf_kind(reason), BTF_KIND_ENUM);
	assert_int_equal(btf_vlen(reason), 2);
	assert_string_equal(btf__name_by_offset(btf, reason->name_off), "reason");
	assert_string_equal(btf__name_by_offset(btf, btf_enum(reason)[0].name_off), "A");
	assert_int_equal(btf_enum(reason)[0].val, 7);
	assert_int_equal(btf_enum(reason)[1].val, 0xffff);
	assert_int_equal(btf_kind(btf__type_by_id(btf, 3)), BTF_KIND_CONST);
	assert_int_equal(btf__type_by_id(btf, 4)->type, 3);
	assert_int_equal(btf_kind(btf__type_by_id(btf, 5)), BTF_KIND_TYPEDEF);
	assert_int_equal(btf_kind(btf__type_by_id(btf, 6)), BTF_KIND_TYPEDEF);
	assert_int_equal(btf__type_by_id(btf, 6)->type, 2);
	btf__free(btf);
}

static void damage_is_an_error(void **state)
{
	_cleanup_buf_ struct buf bytes = {0};
	struct err err;

	make_types(&bytes, sizeof(types));
	for (size_t n = 0; n < bytes.n; n++) {
		_cleanup_buf_ struct buf simple = {0};
		assert_true(capture_types_simplify((struct str){bytes.p, n}, &simple, &err) < 0);
	}
	/* A kind of the future, and types that end within one. */
	_cleanup_buf_ struct buf simple = {0}, future = {0}, cut = {0};
	make_types(&future, sizeof(types));
	future.p[sizeof(struct btf_header) + 7] = 31;
	assert_true(capture_types_simplify(buf_str(&future), &simple, &err) < 0);
	assert_non_null(strstr(err.message, "kind 31"));
	make_types(&cut, sizeof(types) - 4);
	assert_true(capture_types_simplify(buf_str(&cut), &simple, &err) < 0);
}

static void all_types_of_this_kernel_stay(void **state)
{
	_cleanup_buf_ struct buf kernel = {0}, simple = {0};

	if (file_read("/sys/kernel/btf/vmlinux", 256u << 20, &kernel, NULL) < 0)
		skip();
	struct btf *before = btf__new(kernel.p, (uint32_t)kernel.n);
	if (libbpf_get_error(before))
		skip(); /* a libbpf that is too old: the other tests are for it */
	assert_int_equal(capture_types_simplify(buf_str(&kernel), &simple, NULL), 0);
	struct btf *after = btf__new(simple.p, (uint32_t)simple.n);
	assert_int_equal(libbpf_get_error(after), 0);
	uint32_t id = 1;
	for (; btf__type_by_id(before, id); id++) {
		const struct btf_type *old = btf__type_by_id(before, id);
		const struct btf_type *new = btf__type_by_id(after, id);
		assert_non_null(new);
		assert_true(btf_kind(new) <= BTF_KIND_FLOAT);
		assert_int_equal(new->type, old->type);
		if (btf_kind(old) <= BTF_KIND_FLOAT)
			assert_memory_equal(new, old, sizeof(*old));
	}
	assert_null(btf__type_by_id(after, id));
	assert_true(id > 1000);
	btf__free(before);
	btf__free(after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(newer_kinds_become_older_ones),
		cmocka_unit_test(damage_is_an_error),
		cmocka_unit_test(all_types_of_this_kernel_stay),
	};

	capture_libbpf_quiet();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
