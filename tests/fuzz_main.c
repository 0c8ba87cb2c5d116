/* usage: NAME-replay [FOLDER]
 * Runs a fuzz target without libFuzzer, so that every compiler and sanitizer meets it in the unit
 * suite: on a few shapes that upset parsers, then on each file of its corpus. */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { INPUT_MAX = 1 << 20 };

/* From a heap block of its exact size: a sanitizer sees one byte too far. */
static void run(const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		errx(1, "no memory");
	memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_shapes(uint8_t *space)
{
	static const uint8_t fillings[] = {0, 0xff, '0', '{', ' ', '\n'};
	static const size_t sizes[] = {0, 1, 16, 4096};

	for (size_t i = 0; i < sizeof(fillings); i++) {
		memset(space, fillings[i], 4096);
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++)
			run(space, sizes[j]);
	}
}

static int run_folder(const char *path, uint8_t *space)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);
	int files = 0;

	if (n < 0)
		err(1, "%s", path);
	for (int i = 0; i < n; i++) {
		char name[4096];
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		FILE *file = entries[i]->d_name[0] == '.' ? NULL : fopen(name, "rb");
		if (file) {
			run(space, fread(space, 1, INPUT_MAX, file));
			fclose(file);
			files++;
		}
		free(entries[i]);
	}
	free(entries);
	return files;
}

int main(int argc, char **argv)
{
	uint8_t *space = malloc(INPUT_MAX);

	if (!space)
		errx(1, "no memory");
	run_shapes(space);
	if (argc > 1 && run_folder(argv[1], space) == 0)
		errx(1, "%s holds no file", argv[1]);
	free(space);
	return 0;
}
