/* Writes gzip objects of flow log text, the same at each run.
 * usage: scan_generate FIELDS RECORDS OBJECTS FOLDER: FIELDS is 14 (the default format) or 29
 *	(every field of versions 2 to 5)
 * What makes such logs compress and group as they do: few interfaces, each with its own address;
 * peers of which few are seen often (the k-th with k^-0.9 of the first), a third of them in the
 *same network; well-known ports on one side; sizes over many decades; an hour cut into windows, in
 *the order of time; one record in fifty rejected, one in a thousand NODATA. gzip at level 6, as
 *AWS. */
#include <libdeflate.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES 400
#define PEERS      60000
#define START      1700000000
#define SECONDS    3600
#define LINE_MAX   700

static uint64_t mix(uint64_t x)
{
	/* SplitMix64 (G. Steele, D. Lea, C. Flood, 2014). */
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t state = 1;

static uint64_t next(void)
{
	return mix(state++);
}

static double uniform(void)
{
	return ((double)(next() >> 11) + 0.5) / 9007199254740992.0;
}

/* The number of a peer: P(k) falls as k^-0.9 (inverse of the continuous distribution). */
static unsigned peer(void)
{
	double top = pow(PEERS, 0.1);

	return (unsigned)(pow(1 + uniform() * (top - 1), 10) - 1) % PEERS;
}

static void write_address(char *text, size_t size, uint64_t id, int inside)
{
	uint64_t bits = mix(id ^ 0xadd7e55);

	if (inside)
		snprintf(text, size, "10.%u.%u.%u", (unsigned)(bits & 3),
			(unsigned)(bits >> 8 & 15), (unsigned)(bits >> 16 & 255));
	else
		snprintf(text, size, "%u.%u.%u.%u", (unsigned)(bits % 222 + 1),
			(unsigned)(bits >> 8 & 255), (unsigned)(bits >> 16 & 255),
			(unsigned)(bits >> 24 & 255));
}

static unsigned service_port(uint64_t id)
{
	static const unsigned short ports[] = {443, 443, 443, 443, 443, 80, 80, 53, 53, 22, 3306,
		5432, 6379, 8080, 9092, 123, 389, 445, 25, 8443};

	return ports[mix(id ^ 0x9017) % (sizeof(ports) / sizeof(ports[0]))];
}

struct flow {
	char source[16], destination[16];
	unsigned interface, source_port, destination_port, protocol, flags, egress;
	unsigned long long packets, bytes, start, end;
	const char *action, *status;
};

static void draw(struct flow *flow, double time)
{
	unsigned other = peer();
	unsigned service = service_port(other);
	uint64_t traits = next();
	char own[16], remote[16];

	flow->interface = (unsigned)(next() % INTERFACES * (next() % INTERFACES) / INTERFACES);
	write_address(own, sizeof(own), 0x1000000 + flow->interface, 1);
	write_address(remote, sizeof(remote), other, other % 3 == 0);
	flow->egress = traits & 1;
	int server = (traits >> 1 & 3) == 0;
	unsigned high = 32768 + (unsigned)(traits >> 8) % 28232;
	memcpy(flow->source, flow->egress ? own : remote, 16);
	memcpy(flow->destination, flow->egress ? remote : own, 16);
	int low_source = server ? flow->egress : !flow->egress;
	flow->source_port = low_source ? service : high;
	flow->destination_port = low_source ? high : service;
	flow->protocol = service == 53 || service == 123 ? 17 : 6;
	flow->flags =
		flow->protocol == 6 ? (unsigned[]){0, 2, 3, 18, 19, 3, 2, 4}[traits >> 40 & 7] : 0;
	flow->packets = (unsigned long long)exp(-1.9 * log(uniform())) % 1000000 + 1;
	flow->bytes = flow->packets * (40 + (unsigned)(pow(uniform(), 3) * 1400));
	flow->start = START + (unsigned long long)time;
	flow->end = flow->start + (traits >> 50) % 60;
	flow->action = traits >> 56 < 5 ? "REJECT" : "ACCEPT";
	flow->status = "OK";
}

static int print_default(char *line, const struct flow *flow, int nodata)
{
	if (nodata)
		return snprintf(line, LINE_MAX,
			"2 123456789010 eni-%017llx - - - - - - - %llu %llu - NODATA\n",
			(unsigned long long)mix(flow->interface) >> 4 & 0xfffffffffffffff,
			flow->start, flow->end);
	return snprintf(line, LINE_MAX,
		"2 123456789010 eni-%017llx %s %s %u %u %u %llu %llu %llu %llu %s %s\n",
		(unsigned long long)mix(flow->interface) >> 4 & 0xfffffffffffffff, flow->source,
		flow->destination, flow->source_port, flow->destination_port, flow->protocol,
		flow->packets, flow->bytes, flow->start, flow->end, flow->action, flow->status);
}

static int print_all(char *line, const struct flow *flow, int nodata)
{
	unsigned long long ids = mix(flow->interface) >> 4;
	unsigned subnet = flow->interface % 12;
	int n = print_default(line, flow, nodata) - 1;

	line[0] = '5';
	n += snprintf(line + n, (size_t)(LINE_MAX - n), " vpc-%017llx subnet-%017llx i-%017llx",
		(unsigned long long)mix(77) >> 4, (unsigned long long)mix(900 + subnet) >> 4,
		ids ^ 0xabc);
	if (nodata)
		return n + snprintf(line + n, (size_t)(LINE_MAX - n),
				   " - - - - us-east-1 use1-az%u - - - - - -\n", subnet % 6 + 1);
	return n + snprintf(line + n, (size_t)(LINE_MAX - n),
			   " %u IPv4 %s %s us-east-1 use1-az%u - - %s - %s %s\n", flow->flags,
			   flow->source, flow->destination, subnet % 6 + 1,
			   flow->source_port == 443 && flow->bytes % 3 == 0 ? "S3" : "-",
			   flow->egress ? "egress" : "ingress", flow->egress ? "1" : "-");
}

static void write_object(const char *path, const char *text, size_t n)
{
	struct libdeflate_compressor *compressor = libdeflate_alloc_compressor(6);
	size_t room = libdeflate_gzip_compress_bound(compressor, n);
	char *packed = malloc(room);
	FILE *file = fopen(path, "wb");

	if (!packed || !file)
		exit(1);
	n = libdeflate_gzip_compress(compressor, text, n, packed, room);
	if (fwrite(packed, 1, n, file) != n || fclose(file) != 0)
		exit(1);
	free(packed);
	libdeflate_free_compressor(compressor);
}

static const char default_header[] =
	"version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
	"start end action log-status";
static const char further_header[] =
	" vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id "
	"sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service flow-direction "
	"traffic-path";

int main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	int all = strcmp(argv[1], "29") == 0;
	long long records = strtoll(argv[2], NULL, 10);
	long long objects = strtoll(argv[3], NULL, 10);

	for (long long object = 0; object < objects; object++) {
		long long lines = records / objects + (object < records % objects);
		char *text = malloc((size_t)lines * (all ? 400 : 160) + 2 * LINE_MAX);
		char path[4096];
		if (!text)
			return 1;
		size_t n = (size_t)snprintf(
			text, LINE_MAX, "%s%s\n", default_header, all ? further_header : "");
		for (long long i = 0; i < lines; i++) {
			double hour =
				((double)object + (double)i / (double)lines) / (double)objects;
			struct flow flow = {0};
			draw(&flow, hour * SECONDS);
			n += (size_t)(all ? print_all : print_default)(
				text + n, &flow, next() % 1000 == 0);
		}
		snprintf(path, sizeof(path),
			"%s/123456789010_vpcflowlogs_us-east-1_fl-0123456789abcdef0_20231114T%02lld%02lldZ_%08x.log.gz",
			argv[4], 22 + object / 12, object % 12 * 5,
			(unsigned)mix((uint64_t)object));
		write_object(path, text, n);
		free(text);
	}
	return 0;
}
