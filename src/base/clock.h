/* clock: time as it is printed (wall) and as it is measured (monotonic). */
#pragma once

#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_SECOND INT64_C(1000000000)

static inline int64_t clock_ns_from(struct timespec time)
{
	return time.tv_sec * CLOCK_NS_PER_SECOND + time.tv_nsec;
}

/* Nanoseconds since the Unix epoch; may step. */
static inline int64_t clock_wall_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * CLOCK_NS_PER_SECOND + now.tv_nsec;
}

/* Nanoseconds since boot without sleep (CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns). */
static inline int64_t clock_mono_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * CLOCK_NS_PER_SECOND + now.tv_nsec;
}
