#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void *must_have(void *memory)
{
	if (!memory) {
		static const char message[] = "nagare: out of memory\n";
		(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
		abort();
	}
	return memory;
}

void *mem_new(size_t count, size_t size)
{
	return must_have(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *memory, size_t count, size_t size)
{
	return must_have(reallocarray(memory, count ? count : 1, size ? size : 1));
}

char *mem_strdup(const char *text)
{
	return must_have(strdup(text));
}

char *mem_printf(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	int n = vasprintf(&text, format, arguments);
	va_end(arguments);
	return must_have(n < 0 ? NULL : text);
}
