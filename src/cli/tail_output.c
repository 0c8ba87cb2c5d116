#include "cli/tail_output.h"

#include "base/buf.h"
#include "base/number.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <netdb.h>
#include <stdio.h>
#include <time.h>

enum { PORTS = 65536 };

struct tail_output {
	struct tail_output_options options;
	struct buf buf;
	int place[RECORD_FIELDS]; /* of the field in the format; -1: it is not there */
	bool has_header;
	/* Looked up once each; "" is looked up and has no name. */
	char *tcp_names[PORTS], *udp_names[PORTS];
};

struct tail_output *tail_output_new(const struct tail_output_options *options)
{
	struct tail_output *output = mem_new(1, sizeof(*output));

	output->options = *options;
	for (size_t i = 0; i < RECORD_FIELDS; i++)
		output->place[i] = -1;
	for (int i = 0; i < options->format.count; i++)
		output->place[options->format.fields[i]] = i;
	return output;
}

void tail_output_free(struct tail_output *output)
{
	if (!output)
		return;
	for (size_t i = 0; i < PORTS; i++) {
		free(output->tcp_names[i]);
		free(output->udp_names[i]);
	}
	buf_done(&output->buf);
	free(output);
}

/* ---- fields ---- */

/* The words of the message if they are as many as the format has fields. */
static bool split(const struct tail_output *output, struct str message,
	struct str words[static RECORD_FIELDS])
{
	struct str word;
	unsigned count = 0;

	while (str_split(&message, ' ', &word)) {
		if (!word.n || count == output->options.format.count)
			return false;
		words[count++] = word;
	}
	return count == output->options.format.count;
}

static struct str field(
	const struct tail_output *output, const struct str *words, enum record_field id)
{
	return output->place[id] < 0 ? STR("-") : words[output->place[id]];
}

static struct str port_name(struct tail_output *output, struct str port, struct str protocol)
{
	bool is_udp = str_equal(protocol, STR("17"));
	uint64_t number;

	if (!output->options.names || !number_parse(port, PORTS - 1, &number) ||
		(!is_udp && !str_equal(protocol, STR("6"))))
		return port;
	char **name = is_udp ? &output->udp_names[number] : &output->tcp_names[number];
	if (!*name) {
		/* One thread: what the C library lends is copied before the next look-up. */
		const struct servent *entry = getservbyport(htons((uint16_t)number),
			is_udp ? "udp" : "tcp"); /* NOLINT(concurrency-mt-unsafe) */
		*name = mem_strdup(entry ? entry->s_name : "");
	}
	return **name ? str_from(*name) : port;
}

static struct str protocol_name(const struct tail_output *output, struct str protocol)
{
	static const struct {
		const char *number, *name;
	} names[] = {{"1", "ICMP"}, {"2", "IGMP"}, {"4", "IPIP"}, {"6", "TCP"}, {"17", "UDP"},
		{"41", "IPv6"}, {"47", "GRE"}, {"50", "ESP"}, {"51", "AH"}, {"58", "ICMPv6"},
		{"89", "OSPF"}, {"103", "PIM"}, {"112", "VRRP"}, {"132", "SCTP"}};

	for (size_t i = 0; output->options.names && i < ARRAY_SIZE(names); i++)
		if (str_equal(protocol, str_from(names[i].number)))
			return str_from(names[i].name);
	return protocol;
}

/* ---- for people ---- */

static void colour(struct tail_output *output, const char *code)
{
	if (output->options.colours)
		buf_printf(&output->buf, "\033[%sm", code);
}

/* What a terminal would obey is shown as '?'. */
static void add_safe(struct buf *buf, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		buf_add_char(buf, c < ' ' || c == 0x7f ? '?' : (char)c);
	}
}

static void add_padded(struct buf *buf, struct str text, size_t width)
{
	add_safe(buf, text);
	for (size_t n = text.n; n < width; n++)
		buf_add_char(buf, ' ');
}

static void add_right(struct buf *buf, struct str text, size_t width)
{
	for (size_t n = text.n; n < width; n++)
		buf_add_char(buf, ' ');
	add_safe(buf, text);
}

static void add_clock(struct tail_output *output, int64_t ms)
{
	char text[32];
	time_t seconds = (time_t)(ms / 1000);
	struct tm parts;

	localtime_r(&seconds, &parts);
	strftime(text, sizeof(text), "%m-%d %H:%M:%S", &parts);
	colour(output, "2");
	buf_add_text(&output->buf, text);
	colour(output, "0");
	buf_add_text(&output->buf, "  ");
}

static void add_size(struct buf *buf, struct str bytes)
{
	static const char units[] = "BKMGTPE";
	char text[24];
	uint64_t n;
	size_t unit = 0;

	if (!number_parse(bytes, UINT64_MAX, &n)) {
		add_right(buf, bytes, 7);
		return;
	}
	double size = (double)n;
	while (size >= 999.5) {
		size /= 1024;
		unit++;
	}
	snprintf(
		text, sizeof(text), unit && size < 9.95 ? "%.1f %c" : "%.0f %c", size, units[unit]);
	add_right(buf, str_from(text), 7);
}

static void add_end(struct tail_output *output, const struct str *words, enum record_field address,
	enum record_field port, size_t width)
{
	struct buf *buf = &output->buf;
	struct str protocol = field(output, words, RECORD_PROTOCOL);
	struct str number = field(output, words, port), host = field(output, words, address);
	bool has_port = !str_equal(number, STR("0")) && !str_equal(number, STR("-"));
	size_t before = buf->n;

	bool is_ipv6 = has_port && memchr(host.p, ':', host.n);
	buf_add_text(buf, is_ipv6 ? "[" : "");
	add_safe(buf, host);
	buf_add_text(buf, is_ipv6 ? "]" : "");
	if (has_port) {
		buf_add_char(buf, ':');
		add_safe(buf, port_name(output, number, protocol));
	}
	while (buf->n - before < width)
		buf_add_char(buf, ' ');
}

static void add_row(
	struct tail_output *output, const struct tail_event *event, const struct str *words)
{
	enum { WIDTH = 24 };
	struct buf *buf = &output->buf;
	struct str action = field(output, words, RECORD_ACTION);
	struct str status = field(output, words, RECORD_LOG_STATUS);
	bool is_open = str_equal(status, STR("OPEN"));
	bool is_ok = is_open || str_equal(status, STR("OK")) || str_equal(status, STR("-"));

	add_clock(output, event->time_ms);
	add_padded(buf, field(output, words, RECORD_INTERFACE_ID), 21);
	buf_add_text(buf, "  ");
	if (!is_ok) {
		colour(output, "33");
		add_safe(buf, status);
		colour(output, "0");
		buf_add_char(buf, '\n');
		return;
	}
	colour(output, str_equal(action, STR("REJECT")) ? "1;31" : "32");
	add_padded(buf, action, 6);
	colour(output, "0");
	buf_add_text(buf, "  ");
	add_padded(buf, protocol_name(output, field(output, words, RECORD_PROTOCOL)), 6);
	buf_add_text(buf, "  ");
	add_end(output, words, RECORD_SRCADDR, RECORD_SRCPORT, WIDTH);
	buf_add_text(buf, " > ");
	add_end(output, words, RECORD_DSTADDR, RECORD_DSTPORT, WIDTH);
	add_right(buf, field(output, words, RECORD_PACKETS), 9);
	buf_add_text(buf, " pkts ");
	add_size(buf, field(output, words, RECORD_BYTES));
	if (is_open) {
		colour(output, "2");
		buf_add_text(buf, "  open");
		colour(output, "0");
	}
	buf_add_char(buf, '\n');
}

static void add_foreign(struct tail_output *output, const struct tail_event *event)
{
	add_clock(output, event->time_ms);
	add_padded(&output->buf, event->stream, 21);
	buf_add_text(&output->buf, "  ");
	add_safe(&output->buf, event->message);
	buf_add_char(&output->buf, '\n');
}

/* ---- for programs ---- */

static void add_json(
	struct tail_output *output, const struct tail_event *event, const struct str *words)
{
	const struct record_format *format = &output->options.format;
	json_t *object = json_pack("{s:I, s:I, s:o, s:o}", "timestamp", (json_int_t)event->time_ms,
		"ingestionTime", (json_int_t)event->ingested_ms, "logStreamName",
		json_stringn_nocheck(event->stream.p, event->stream.n), "message",
		json_stringn_nocheck(event->message.p, event->message.n));

	for (int i = 0; words && i < format->count; i++) {
		const struct record_field_info *info = &record_fields[format->fields[i]];
		uint64_t number;
		json_t *value = json_null();
		if (info->parquet != RECORD_TYPE_STRING &&
			number_parse(words[i], INT64_MAX, &number))
			value = json_integer((json_int_t)number);
		else if (!str_equal(words[i], STR("-")))
			value = json_stringn_nocheck(words[i].p, words[i].n);
		json_object_set_new(object, info->sql_name.p, value);
	}
	_cleanup_free_ char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!text)
		return;
	buf_add_text(&output->buf, text);
	buf_add_char(&output->buf, '\n');
}

static void add_csv_header(struct tail_output *output)
{
	const struct record_format *format = &output->options.format;

	buf_add_text(&output->buf, "timestamp,log_stream");
	for (int i = 0; i < format->count; i++) {
		buf_add_char(&output->buf, ',');
		buf_add_str(&output->buf, record_fields[format->fields[i]].sql_name);
	}
	buf_add_char(&output->buf, '\n');
	output->has_header = true;
}

/* What is no record has its message in the first column of the record, and the others empty. */
static void add_csv(
	struct tail_output *output, const struct tail_event *event, const struct str *words)
{
	const struct record_format *format = &output->options.format;
	struct buf *buf = &output->buf;

	if (!output->has_header)
		add_csv_header(output);
	buf_printf(buf, "%" PRId64 ",", event->time_ms);
	buf_add_csv(buf, event->stream);
	for (int i = 0; i < format->count; i++) {
		buf_add_char(buf, ',');
		if (words && !str_equal(words[i], STR("-")))
			buf_add_csv(buf, words[i]);
		else if (!words && i == 0)
			buf_add_csv(buf, event->message);
	}
	buf_add_char(buf, '\n');
}

void tail_output_add(struct tail_output *output, const struct tail_event *event)
{
	struct str words[RECORD_FIELDS] = {{0}};
	bool is_record = split(output, event->message, words);

	switch (output->options.form) {
	case TAIL_TABLE:
		if (is_record)
			add_row(output, event, words);
		else
			add_foreign(output, event);
		break;
	case TAIL_TEXT:
		buf_add_str(&output->buf, event->message);
		buf_add_char(&output->buf, '\n');
		break;
	case TAIL_JSON:
		add_json(output, event, is_record ? words : NULL);
		break;
	case TAIL_CSV:
		add_csv(output, event, is_record ? words : NULL);
		break;
	}
}

int tail_output_flush(struct tail_output *output, struct err *err)
{
	size_t done = 0;

	while (done < output->buf.n) {
		ssize_t n = write(STDOUT_FILENO, output->buf.p + done, output->buf.n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			return TAIL_READER_GONE;
		if (n < 0)
			return err_set_errno(err, errno, "cannot write the output");
		done += (size_t)n;
	}
	output->buf.n = 0;
	return 0;
}
