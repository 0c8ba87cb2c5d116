/* input: bytes of a file, of standard input, of memory or of a caller's source, read forward once,
 * gzip and zstd undone. Any number of gzip members or zstd frames in a row, told by their magic,
 * not by the file's name. Peeked bytes go through a window that grows to the largest peek;
 * input_read unpacks straight into the caller's memory. Owner: the caller; one thread at a time.
 * Blocks on reads. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <sys/types.h>

#define INPUT_PEEK_MAX ((size_t)256 << 20) /* one peek may not ask for more */

struct input;

/* Where packed bytes come from when it is neither file nor memory, such as an object at a server.
 */
struct input_source {
	/* Up to n bytes, at least one unless it is the end (0); <0 with err filled. Called by
	 * whichever thread reads the input, never by two at a time. */
	ssize_t (*read)(void *context, void *bytes, size_t n, struct err *err);
	void (*close)(void *context); /* NULL: nothing to do */
	void *context;
	uint64_t size; /* of all bytes, 0: unknown */
};

/* path "-" is standard input. */
int input_open(struct input **ret_input, const char *path, struct err *err);
/* bytes are borrowed until input_close; name is for messages. */
int input_open_memory(
	struct input **ret_input, struct str bytes, const char *name, struct err *err);
/* name is for messages. The source is closed with the input, and when this fails. */
int input_open_source(struct input **ret_input, const struct input_source *source, const char *name,
	struct err *err);
/* Lends at least want bytes from the current position, fewer only when the end is nearer (empty at
 * the end itself); often lends more. Valid until the next call. Read errors and damaged gzip come
 * after the good bytes before them: those are lent first (fewer than want), and the peek that finds
 * none left fails. */
int input_peek(struct input *input, size_t want, struct str *ret_bytes, struct err *err);
/* The next n bytes into the caller's memory, fewer only at the end or before damage; damage is told
 * as by input_peek. */
int input_read(struct input *input, char *bytes, size_t n, size_t *ret_n, struct err *err);
/* Moves on by n, which must have been lent by the last peek. */
void input_skip(struct input *input, size_t n);
/* Bytes skipped so far, counted after gzip or zstd is undone. */
uint64_t input_offset(const struct input *input);
/* Bytes consumed of the underlying file, and its size or 0 when unknown, for progress. */
uint64_t input_progress(const struct input *input, uint64_t *ret_size);
const char *input_name(const struct input *input);
void input_close(struct input *input);
MEM_DEFINE_CLEANUP(struct input, input_close)
