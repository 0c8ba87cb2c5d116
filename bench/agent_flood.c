/* agent_flood SOURCE DESTINATION FLOWS PACKETS RATE: sends PACKETS small UDP datagrams (18 bytes:
 * the smallest Ethernet frame), turn by turn in FLOWS flows, at most RATE a second (0: as fast as
 * can be). Prints the packets sent and the seconds it took. What the kernel refuses for want of
 * room is sent again. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORTS       60000 /* flows of a socket: destination ports from FIRST_PORT */
#define FIRST_PORT  2000
#define SOURCE_PORT 1000 /* below FIRST_PORT: no socket here is a destination */
#define SOCKETS_MAX 512
#define BATCH       256

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int open_socket(const char *source, unsigned port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int size = 4 << 20;

	if (fd < 0 || inet_pton(AF_INET, source, &address.sin_addr) != 1 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(source);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	return fd;
}

static void wait_turn(double started, uint64_t sent, double rate)
{
	double early = rate > 0 ? started + (double)sent / rate - now() : 0;

	if (early > 0)
		usleep((useconds_t)(early * 1e6));
}

int main(int argc, char **argv)
{
	static struct mmsghdr messages[BATCH];
	static struct sockaddr_in addresses[BATCH];
	static int sockets[SOCKETS_MAX];
	static char payload[18];
	struct iovec part = {payload, sizeof(payload)};

	if (argc != 6)
		return fprintf(stderr,
			       "usage: agent_flood SOURCE DESTINATION FLOWS PACKETS RATE\n"),
		       2;
	uint64_t flows = strtoull(argv[3], NULL, 10), packets = strtoull(argv[4], NULL, 10);
	double rate = strtod(argv[5], NULL);
	size_t socket_count = (flows + PORTS - 1) / PORTS;
	if (!flows || socket_count > SOCKETS_MAX)
		return fprintf(stderr, "agent_flood: 1 to %d flows\n", SOCKETS_MAX * PORTS), 2;
	for (size_t i = 0; i < socket_count; i++)
		sockets[i] = open_socket(argv[1], SOURCE_PORT + (unsigned)i);
	for (size_t i = 0; i < BATCH; i++) {
		addresses[i].sin_family = AF_INET;
		inet_pton(AF_INET, argv[2], &addresses[i].sin_addr);
		messages[i].msg_hdr = (struct msghdr){.msg_name = &addresses[i],
			.msg_namelen = sizeof(addresses[i]),
			.msg_iov = &part,
			.msg_iovlen = 1};
	}
	double started = now();
	for (uint64_t sent = 0; sent < packets;) {
		uint64_t flow = sent % flows;
		unsigned n = 0;
		/* Of one socket, and to the end of its flows at most. */
		while (n < BATCH && sent + n < packets && flow + n < flows &&
			(flow + n) / PORTS == flow / PORTS) {
			addresses[n].sin_port = htons((uint16_t)(FIRST_PORT + (flow + n) % PORTS));
			n++;
		}
		int done = sendmmsg(sockets[flow / PORTS], messages, n, 0);
		if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR &&
			errno != ECONNREFUSED)
			die("sendmmsg");
		sent += done > 0 ? (unsigned)done : 0;
		wait_turn(started, sent, rate);
	}
	printf("%llu %.3f\n", (unsigned long long)packets, now() - started);
	return 0;
}
