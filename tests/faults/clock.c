/* clock: preloaded into a process, adds the seconds that a file holds to its wall clock (the file
 * named by NAGARE_TEST_CLOCK, a little-endian int64_t, read at each call through shared memory).
 * The kernel steps CLOCK_REALTIME for the whole machine or not at all; where it does, it ends the
 * wait of who follows the clock (TFD_TIMER_CANCEL_ON_SET). Here poll ends early instead. */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 100

static int64_t none;
static const volatile int64_t *offset = &none;

__attribute__((constructor)) static void open_offset(void)
{
	const char *path = getenv("NAGARE_TEST_CLOCK");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	void *found = mmap(NULL, sizeof(none), PROT_READ, MAP_SHARED, fd, 0);
	if (found != MAP_FAILED)
		offset = found;
	close(fd);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int result = (int)syscall(SYS_clock_gettime, clock, ret_time);

	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		ret_time->tv_sec += *offset;
	return result;
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout)
{
	int64_t before = *offset;

	for (;;) {
		int wait = timeout < 0 || timeout > LOOK_MS ? LOOK_MS : timeout;
		struct timespec slice = {0, wait * 1000000L};
		int ready = (int)syscall(SYS_ppoll, descriptors, count, &slice, NULL, 0);
		if (ready || wait == timeout || *offset != before)
			return ready;
		if (timeout > 0)
			timeout -= wait;
	}
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone __attribute__((unused)))
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*ret_time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *ret_time)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (ret_time)
		*ret_time = now.tv_sec;
	return now.tv_sec;
}
