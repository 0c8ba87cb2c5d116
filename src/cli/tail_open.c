#include "cli/tail_open.h"

#include "agent/open.h"
#include "base/clock.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/defaults.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 65536 };

struct tail_open {
	const struct tail_open_settings *settings;
	struct tail_output *output;
	struct buf text; /* read, and not yet a line */
	struct buf message;
	bool has_format, is_complete;
	unsigned count;             /* fields of a line */
	int place[RECORD_FIELDS];   /* of the field in a line; -1: it is not there */
	int64_t said_ns;            /* when dropped records were told last */
	unsigned long long dropped; /* and not told */
};

static volatile sig_atomic_t is_stopped;

static void on_stop(int number)
{
	is_stopped = 1;
	signal(number, SIG_DFL);
}

static int take_format(struct tail_open *open, const json_t *header, struct err *err)
{
	const char *text = json_string_value(json_object_get(header, "format"));
	struct record_format format;

	if (json_integer_value(json_object_get(header, "nagare-open")) != AGENT_OPEN_VERSION ||
		!text || record_format_parse(str_from(text), &format, err) < 0) {
		err_set(err, ERR_UNSUPPORTED, "the agent shows its open windows in another way");
		return err_hint(err, "agent and command are of different versions");
	}
	for (size_t i = 0; i < RECORD_FIELDS; i++)
		open->place[i] = -1;
	for (int i = 0; i < format.count; i++)
		open->place[format.fields[i]] = i;
	open->count = format.count;
	open->has_format = true;
	return 0;
}

/* At most once a second: the table is for flows. */
static void say_dropped(struct tail_open *open)
{
	int64_t now_ns = clock_mono_ns();

	if (!open->dropped || now_ns - open->said_ns < CLOCK_NS_PER_SECOND)
		return;
	cli_warn(
		"%llu flows came faster than they were read here, and are not shown; flow logs have them",
		open->dropped);
	open->said_ns = now_ns;
	open->dropped = 0;
}

static int take_note(struct tail_open *open, struct str line, struct err *err)
{
	json_t *note = json_loadb(line.p, line.n, 0, NULL);
	int result = 0;

	if (!open->has_format)
		result = take_format(open, note, err);
	open->is_complete |= json_is_true(json_object_get(note, "complete"));
	open->dropped += (unsigned long long)json_integer_value(json_object_get(note, "dropped"));
	json_decref(note);
	return result;
}

static struct str word(const struct tail_open *open, const struct str *words, unsigned field)
{
	return open->place[field] < 0 ? STR("-") : words[open->place[field]];
}

/* The fields that are asked for. */
static void take_record(struct tail_open *open, struct str line)
{
	const struct record_format *format = &open->settings->output.format;
	struct str words[RECORD_FIELDS], next;
	char version[NUMBER_U64_STR_MAX];
	unsigned count = 0;
	uint64_t end = 0;

	while (count < open->count && str_split(&line, ' ', &next))
		words[count++] = next;
	if (count < open->count)
		return;
	open->message.n = 0;
	for (int i = 0; i < format->count; i++) {
		unsigned field = format->fields[i];
		struct str text = word(open, words, field);
		if (field == RECORD_LOG_STATUS)
			text = STR("OPEN");
		if (field == RECORD_VERSION)
			text = (struct str){version,
				(size_t)(number_write(version, format->version) - version)};
		if (i)
			buf_add_char(&open->message, ' ');
		buf_add_str(&open->message, text);
	}
	number_parse(word(open, words, RECORD_END), INT64_MAX / 1000, &end);
	tail_output_add(open->output,
		&(struct tail_event){(int64_t)end * 1000, clock_wall_ns() / 1000000,
			word(open, words, RECORD_INTERFACE_ID), buf_str(&open->message)});
}

static int take_lines(struct tail_open *open, struct err *err)
{
	size_t done = 0;
	const char *end;

	while ((end = memchr(open->text.p + done, '\n', open->text.n - done))) {
		struct str line = {open->text.p + done, (size_t)(end - open->text.p) - done};
		done += line.n + 1;
		if (!open->has_format || (line.n && line.p[0] == '{')) {
			if (take_note(open, line, err) < 0)
				return -1;
		} else {
			take_record(open, line);
		}
	}
	memmove(open->text.p, open->text.p + done, open->text.n - done);
	open->text.n -= done;
	return 0;
}

/* Waits for more, and as long as somebody reads what is written here. False: nobody does. */
static bool wait_for_more(int fd)
{
	struct pollfd ready[] = {{fd, POLLIN, 0}, {STDOUT_FILENO, 0, 0}};

	(void)poll(ready, ARRAY_SIZE(ready), -1);
	return !(ready[1].revents & (POLLERR | POLLHUP));
}

static int read_all(struct tail_open *open, int fd, struct err *err)
{
	static char chunk[CHUNK];

	while (!is_stopped && (open->settings->follow || !open->is_complete) && wait_for_more(fd)) {
		ssize_t n = is_stopped ? 0 : read(fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ECONNRESET)
			n = 0; /* it ended before it saw us */
		if (n < 0)
			return err_set_errno(err, errno, "cannot read from the agent");
		if (n == 0 && !open->has_format && !is_stopped) {
			err_set(err, ERR_SYSTEM, "the agent has nothing to say");
			return err_hint(err,
				"it has ended, or has %d readers already; 'nagare agent status'",
				AGENT_OPEN_READERS);
		}
		if (n == 0)
			return 0;
		buf_add_str(&open->text, (struct str){chunk, (size_t)n});
		if (take_lines(open, err) < 0)
			return -1;
		int result = tail_output_flush(open->output, err);
		if (result)
			return result == TAIL_READER_GONE ? 0 : result;
		say_dropped(open);
	}
	return 0;
}

int tail_open(const struct tail_open_settings *settings, struct err *err)
{
	_cleanup_free_ char *data = cli_default_data();
	_cleanup_free_ char *folder =
		settings->folder ? mem_strdup(settings->folder) : mem_printf("%s/agent", data);
	_cleanup_close_ int fd = -1;
	struct tail_open open = {.settings = settings};
	const struct sigaction action = {.sa_handler = on_stop};

	if (agent_open_connect(folder, &fd, err) < 0)
		return -1;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	open.output = tail_output_new(&settings->output);
	int result = read_all(&open, fd, err);
	open.said_ns = 0;
	say_dropped(&open);
	tail_output_free(open.output);
	buf_done(&open.text);
	buf_done(&open.message);
	return result;
}
