/* input: bytes of a file, of standard input or of memory, read forward once, gzip undone.
 * Any number of gzip members in a row, told by their magic, not by the file's name. Bytes go
 * through a window that grows to the largest peek. Owner: the caller; one thread. Blocks on reads.
 */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>

#define INPUT_PEEK_MAX ((size_t)256 << 20) /* one peek may not ask for more */

struct input;

/* path "-" is standard input. */
int input_open(struct input **ret_input, const char *path, struct err *err);
/* bytes are borrowed until input_close; name is for messages. */
int input_open_memory(
	struct input **ret_input, struct str bytes, const char *name, struct err *err);
/* Lends at least want bytes from the current position, fewer only when the end is nearer (empty at
 * the end itself); often lends more. Valid until the next call. Read errors and damaged gzip come
 * after the good bytes before them: those are lent first (fewer than want), and the peek that finds
 * none left fails. */
int input_peek(struct input *input, size_t want, struct str *ret_bytes, struct err *err);
/* Moves on by n, which must have been lent by the last peek. */
void input_skip(struct input *input, size_t n);
/* Bytes skipped so far, counted after gzip is undone. */
uint64_t input_offset(const struct input *input);
/* Bytes consumed of the underlying file, and its size or 0 when unknown, for progress. */
uint64_t input_progress(const struct input *input, uint64_t *ret_size);
const char *input_name(const struct input *input);
void input_close(struct input *input);
MEM_DEFINE_CLEANUP(struct input, input_close)
