/* For each function of duckdb.h (the list is made from it at build time) a pointer, and under the
 * function's name an instruction that jumps through it. Only assembly can pass on arguments of
 * types that it does not know, and registers are left as they are. The names are hidden: what the
 * library itself calls by them is its own. */
#include "base/duckdb.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#if defined(__x86_64__)
#define TYPE       "@function"
#define JUMP(name) "endbr64\n\tjmp *duckdb_at_" name "(%rip)\n"
#elif defined(__aarch64__)
#define TYPE "%function"
#define JUMP(name)                                                                                 \
	"bti c\n\tadrp x16, duckdb_at_" name "\n\tldr x16, [x16, :lo12:duckdb_at_" name "]\n"      \
	"\tbr x16\n"
#else
#error "DuckDB's library is made for x86_64 and aarch64"
#endif

static _Noreturn void not_loaded(void)
{
	fputs("nagare: a function of DuckDB is called that is not loaded\n", stderr);
	abort();
}

#define DUCKDB_FUNCTION(name)                                                                      \
	extern __attribute__((visibility("hidden"))) void *duckdb_at_##name;                       \
	__attribute__((used)) void *duckdb_at_##name = (void *)not_loaded;                         \
	__asm__(".text\n.globl " #name "\n.hidden " #name "\n.type " #name ", " TYPE "\n" #name    \
		":\n\t" JUMP(#name) ".size " #name ", .-" #name "\n");
#include "base/duckdb_functions.def"
#undef DUCKDB_FUNCTION

static const struct {
	const char *name;
	void **at;
} functions[] = {
#define DUCKDB_FUNCTION(name) {#name, &duckdb_at_##name},
#include "base/duckdb_functions.def"
};

static struct err failure;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Most of the time that loading takes goes into looking up the library's own names in all that the
 * program is linked with; here they are looked for in the library first, and functions when they
 * are called. Sanitizers refuse that, for what they wrap must be found before. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_FIRST 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define OWN_FIRST 0
#endif
#endif
#ifndef OWN_FIRST
#define OWN_FIRST RTLD_DEEPBIND
#endif

static void load(void)
{
	void *library = dlopen("libduckdb.so", RTLD_LAZY | RTLD_LOCAL | OWN_FIRST);

	if (!library) {
		err_set(&failure, ERR_SYSTEM, "cannot load DuckDB: %s", dlerror());
		err_hint(&failure, "install nagare again, or name the folder of libduckdb.so in "
				   "LD_LIBRARY_PATH");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		void *function = dlsym(library, functions[i].name);
		if (function)
			*functions[i].at = function;
	}
}

int duckdb_library_load(struct err *err)
{
	pthread_once(&once, load);
	if (failure.code == ERR_NONE)
		return 0;
	if (err)
		*err = failure;
	return -1;
}
