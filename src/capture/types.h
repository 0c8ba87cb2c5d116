/* types: the kernel's type information (BTF), also for a libbpf that is older than the kernel.
 * Owner: the process, which makes one copy if need be; one thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct btf;

/* For btf__free; NULL when there are none that libbpf can read. */
struct btf *capture_types_load(void);
/* Where libbpf is to read them (bpf_object_open_opts.btf_custom_path): NULL for where it looks
 * itself, or a simplified copy when it is too old for them. */
const char *capture_types_path(void);
/* Adds to out what an older libbpf can read of BTF. */
int capture_types_simplify(struct str types, struct buf *out, struct err *err);
/* For tests: as if libbpf were too old. Before anything is loaded. */
void capture_types_always_simplify(void);
