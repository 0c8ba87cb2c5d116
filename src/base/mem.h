/* mem: heap allocation and the compiler's help in freeing it.
 * Small allocations do not fail: mem_new aborts, because those paths would never be run. Whatever
 * an input can size has a named limit at its own place and fails there with an error.
 * Ownership: a local that owns carries _cleanup_(x_freep); it leaves by take(x). */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_      _cleanup_(mem_freep)
#define _cleanup_close_     _cleanup_(mem_closep)

/* Gives x away: its value moves out and x no longer owns it. */
#define take(x)                                                                                    \
	({                                                                                         \
		__typeof__(x) taken_ = (x);                                                        \
		(x) = NULL;                                                                        \
		taken_;                                                                            \
	})
#define take_fd(x)                                                                                 \
	({                                                                                         \
		int taken_ = (x);                                                                  \
		(x) = -1;                                                                          \
		taken_;                                                                            \
	})

/* Defines x_freep for use with _cleanup_, from x_free(type *), which must accept NULL. */
#define MEM_DEFINE_CLEANUP(type, function)                                                         \
	static inline void function##p(type **object)                                              \
	{                                                                                          \
		function(*object);                                                                 \
	}

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Zeroed memory for count elements of size bytes; aborts when there is none or the product
 * overflows. Freed with free(). */
void *mem_new(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* realloc that aborts; the new part is not zeroed. */
void *mem_grow(void *memory, size_t count, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *text) __attribute__((malloc, returns_nonnull));
char *mem_printf(const char *format, ...)
	__attribute__((malloc, returns_nonnull, format(printf, 1, 2)));

static inline void mem_freep(void *pointer)
{
	free(*(void **)pointer);
}

static inline void mem_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
