/* The limit of what a scan of gzip objects can do: undoing gzip, with the library that nagare uses.
 * usage: scan_inflate THREADS FILE...: each thread takes whole files, as nagare's threads do, and
 * inflates them into a block that it writes over and over. Prints the bytes. */
#include <fcntl.h>
#include <isa-l/igzip_lib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK   ((uint32_t)512 << 10)
#define READING ((size_t)256 << 10)

static char **files;
static int files_count;
static atomic_int next_file;
static atomic_ullong total;

static void inflate_file(const char *path)
{
	static _Thread_local struct inflate_state state;
	static _Thread_local unsigned char block[BLOCK], packed[READING];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	isal_inflate_init(&state);
	state.crc_flag = ISAL_GZIP;
	while ((n = read(fd, packed, sizeof(packed))) > 0) {
		state.next_in = packed;
		state.avail_in = (uint32_t)n;
		do {
			state.next_out = block;
			state.avail_out = BLOCK;
			if (isal_inflate(&state) != ISAL_DECOMP_OK)
				exit(1);
			total += BLOCK - state.avail_out;
		} while (state.avail_out == 0);
	}
	close(fd);
	if (n < 0 || state.block_state != ISAL_BLOCK_FINISH)
		exit(1);
}

static void *run(void *unused)
{
	int i;

	while ((i = next_file++) < files_count)
		inflate_file(files[i]);
	return unused;
}

int main(int argc, char **argv)
{
	pthread_t threads[256];
	int count = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;

	if (count < 1 || count > 256)
		return 2;
	files = argv + 2;
	files_count = argc - 2;
	for (int i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, run, NULL);
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("%llu\n", (unsigned long long)total);
	return 0;
}
