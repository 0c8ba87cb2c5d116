/* Writes a capture file of many flows, the same at each run.
 * usage: pcap_generate PACKETS FLOWS SECONDS SNAPLENGTH >FILE
 * Ethernet, snap length 128 by default; nine of ten flows IPv4, four of five TCP; the flows' shares
 * of the packets are skewed (the k-th has k^(-2/3) of the first), as traffic is; sizes are 78 to
 * 1514 bytes. 5 million packets are 0.6 GB, whole ones 4 GB. */
#include <arpa/inet.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX 1514

static uint64_t mix(uint64_t x)
{
	/* SplitMix64 (G. Steele, D. Lea, C. Flood, 2014). */
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint8_t *put16(uint8_t *p, uint32_t value)
{
	*p++ = (uint8_t)(value >> 8);
	*p++ = (uint8_t)value;
	return p;
}

static uint8_t *put32(uint8_t *p, uint32_t value)
{
	return put16(put16(p, value >> 16), value & 0xffff);
}

static uint8_t *put_ip_header(uint8_t *p, uint64_t flow, uint32_t ip_length, uint8_t protocol)
{
	uint64_t hosts = mix(flow * 2 + 1);

	if (flow % 10) {
		p = put16(put16(p, 0x4500), ip_length);
		p = put32(p, 0);
		*p++ = 64;
		*p++ = protocol;
		p = put16(p, 0);
		p = put32(p, 0x0a000000 | (uint32_t)(hosts & 0xffff));
		return put32(p, 0xc6336400 | (uint32_t)(hosts >> 32 & 0xffff));
	}
	p = put32(p, 0x60000000);
	p = put16(p, ip_length - 40);
	*p++ = protocol;
	*p++ = 64;
	p = put32(put32(put32(put32(p, 0x20010db8), 0), 0), (uint32_t)hosts);
	return put32(put32(put32(put32(p, 0x20010db8), 1), 0), (uint32_t)(hosts >> 32));
}

/* Returns the frame's length; behind its headers it is 0. */
static uint32_t make_frame(uint8_t frame[FRAME_MAX], uint64_t flow, uint64_t random)
{
	uint64_t traits = mix(flow * 2);
	int v4 = flow % 10 != 0;
	int tcp = traits % 5 != 0;
	uint8_t *p = frame;

	memset(frame, 0, 128);
	/* A third is small, a third full, the rest between. */
	uint32_t size = (random & 3) == 0   ? 1514
			: (random & 3) == 1 ? 78
					    : 78 + (uint32_t)(random >> 8) % 1400;
	p = put32(put32(put32(p, 0x02000000), 0x00010200), 0x00000002);
	p = put16(p, v4 ? 0x0800 : 0x86dd);
	p = put_ip_header(p, flow, size - 14, tcp ? 6 : 17);
	p = put16(put16(p, 1024 + (uint32_t)(traits >> 16) % 60000), tcp ? 443 : 53);
	if (tcp) {
		p = put32(put32(p, (uint32_t)random), (uint32_t)(random >> 32));
		*p++ = 0x50;
		*p++ = (random >> 40) % 50 ? 0x10 : 0x12;
	} else {
		put16(p, size - 14 - (v4 ? 20 : 40));
	}
	return size;
}

int main(int argc, char **argv)
{
	static uint8_t frame[FRAME_MAX];
	uint64_t packets = argc > 1 ? strtoull(argv[1], NULL, 10) : 5000000;
	uint64_t flows = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
	uint64_t seconds = argc > 3 ? strtoull(argv[3], NULL, 10) : 300;
	uint32_t snap_length = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 128;
	const uint32_t header[6] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, snap_length, 1};

	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	fwrite(header, sizeof(header), 1, stdout);
	for (uint64_t i = 0; i < packets; i++) {
		uint64_t random = mix(i ^ UINT64_C(0x5eed000000000000));
		double share = (double)(mix(random) >> 11) / (double)(UINT64_C(1) << 53);
		uint64_t flow = (uint64_t)(pow(share, 3) * (double)flows);
		uint64_t time_us = i * seconds * 1000000 / packets;
		uint32_t wire = make_frame(frame, flow, random);
		uint32_t captured = wire < snap_length ? wire : snap_length;
		const uint32_t record[4] = {1700000000 + (uint32_t)(time_us / 1000000),
			(uint32_t)(time_us % 1000000), captured, wire};
		fwrite(record, sizeof(record), 1, stdout);
		fwrite(frame, captured, 1, stdout);
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
