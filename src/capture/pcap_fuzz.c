/* The same bytes read one packet at a time and many at a time give the same packets and end. */
#include "capture/pcap.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define BATCH 64

struct sums {
	uint64_t packets, captured, original, bytes;
	int status;
};

static struct sums read_all(struct str file, size_t max)
{
	_cleanup_(capture_pcap_closep) struct capture_pcap *pcap = NULL;
	struct capture_packet packets[BATCH];
	struct sums sums = {.status = -1};
	struct err err = ERR_INIT;
	struct input *input;
	size_t n;

	if (input_open_memory(&input, file, "fuzz", &err) < 0 ||
		capture_pcap_open(&pcap, input, &err) < 0)
		return sums;
	while ((sums.status = capture_pcap_read(pcap, packets, max, &n, &err)) == 0) {
		if (n == 0 || n > max)
			abort();
		for (size_t i = 0; i < n; i++) {
			sums.packets++;
			sums.captured += packets[i].captured;
			sums.original += packets[i].original;
			for (uint32_t j = 0; j < packets[i].captured; j++)
				sums.bytes += packets[i].bytes[j];
			if (packets[i].time_ns < 0)
				abort();
		}
	}
	if (sums.status < 0 && err.message[0] == '\0')
		abort();
	return sums;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str file = {(const char *)bytes, n};

	/* A few bytes of gzip would only exercise zlib, at length. */
	if (n >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
		return 0;
	struct sums one = read_all(file, 1);
	struct sums many = read_all(file, BATCH);
	if (one.packets != many.packets || one.captured != many.captured ||
		one.original != many.original || one.bytes != many.bytes ||
		one.status != many.status)
		abort();
	return 0;
}
