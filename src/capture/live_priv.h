/* live_priv: what live.c, carry.c and doctor.c share. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "flow/flow.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Verdicts that came when the packet's flow had been handed out already, by key (of the accepted
 * flow): taken off what is seen of it next. At most CARRY_MAX flows; each waits for CARRY_DRAINS
 * drains and is then given up: its packets stay ACCEPT, sums stay exact either way. */
#define CARRY_MAX    4096
#define CARRY_DRAINS 60

struct capture_carry_row {
	struct flow_key key;
	uint32_t age; /* 0: empty row */
	uint64_t packets, bytes;
};

struct capture_carry {
	size_t count;
	struct capture_carry_row *rows; /* open addressing, 2 * CARRY_MAX, made when first needed */
	uint64_t lost;                  /* packets of verdicts that were given up */
};

/* What is waiting for this key, or NULL. Valid until the next add or age. */
struct capture_carry_row *capture_carry_find(
	struct capture_carry *carry, const struct flow_key *key);
void capture_carry_add(
	struct capture_carry *carry, const struct flow_key *key, uint64_t packets, uint64_t bytes);
/* A drain is over: rows that are spent or too old go. */
void capture_carry_age(struct capture_carry *carry);
void capture_carry_done(struct capture_carry *carry);

/* Messages of libbpf, one a process: nothing goes to stderr, the last warning is kept. */
void capture_libbpf_quiet(void);
const char *capture_libbpf_message(void);
/* Whether vmlinux's BTF has enum skb_drop_reason with this value. */
bool capture_kernel_has_reason(const char *name);
/* Where the code of these kernel functions is, by /proc/kallsyms; zeros for those that are not
 * there or not shown to this process. Returns how many were found. */
struct capture_code {
	uint64_t start, end;
};
size_t capture_kernel_functions(
	const char *const *names, size_t count, struct capture_code *ret_code);
/* Whether the kernel's BTF, or a loaded module's, has this structure. */
bool capture_kernel_has_struct(const char *name);
