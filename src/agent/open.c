/* All of it is the loop's: a reader costs it what fits into the socket's buffer, and what does not
 * waits in the reader's own. */
#include "agent/open.h"

#include "agent/agent_priv.h"
#include "base/clock.h"
#include "record/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define EVERY_NS (AGENT_OPEN_EVERY_MS * INT64_C(1000000))

struct reader {
	int fd;
	struct buf waiting;
	size_t sent; /* of waiting */
	uint64_t dropped;
};

struct agent_open {
	int listener;
	char *path;
	struct record_format format;
	struct reader readers[AGENT_OPEN_READERS];
	size_t count;
	int64_t drained_ns;
	struct buf line;
};

/* ---- the socket ---- */

static int name_socket(struct sockaddr_un *ret_address, const char *path, struct err *err)
{
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret_address->sun_path))
		return err_set(err, ERR_SYSTEM, "%s: too long a name for a socket", path);
	memcpy(ret_address->sun_path, path, strlen(path) + 1);
	return 0;
}

static int new_socket(int flags, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	return fd >= 0 ? fd : err_set_errno(err, errno, "cannot make a socket");
}

/* By a descriptor of the folder: its own path may be longer than a socket's name. */
int agent_open_connect(const char *folder, int *ret_fd, struct err *err)
{
	_cleanup_close_ int directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	char path[64];

	if (directory < 0) {
		err_set_errno(err, errno, "%s", folder);
		return err_hint(err, "is it an agent's folder, and yours? (sudo)");
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d/" AGENT_OPEN_SOCKET, directory);
	if (name_socket(&address, path, err) < 0 || (fd = new_socket(0, err)) < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		err_set_errno(err, errno, "%s/" AGENT_OPEN_SOCKET, folder);
		return err_hint(err, errno == EACCES || errno == EPERM
					     ? "it is its owner's alone: use sudo"
					     : "an agent that runs over this folder makes it");
	}
	*ret_fd = take_fd(fd);
	return 0;
}

/* One that a killed agent has left is in the way; a living one's is not ours to take. */
static int listen_at(const char *path, struct err *err)
{
	_cleanup_close_ int probe = new_socket(SOCK_NONBLOCK, err);
	_cleanup_close_ int fd = new_socket(SOCK_NONBLOCK, err);
	struct sockaddr_un address;

	if (probe < 0 || fd < 0 || name_socket(&address, path, err) < 0)
		return -1;
	if (connect(probe, (struct sockaddr *)&address, sizeof(address)) == 0)
		return err_set(err, ERR_USAGE, "%s: another agent runs over this folder", path);
	unlink(path);
	mode_t mask = umask(0177); /* there are no threads yet */
	int result = bind(fd, (struct sockaddr *)&address, sizeof(address));
	int error = errno;
	umask(mask);
	if (result < 0)
		return err_set_errno(err, error, "%s", path);
	if (listen(fd, AGENT_OPEN_READERS) < 0)
		return err_set_errno(err, errno, "%s", path);
	return take_fd(fd);
}

static struct record_format all_fields(void)
{
	struct record_format format = {0};

	for (unsigned i = 0; i < RECORD_FIELDS; i++) {
		if (record_fields[i].family != RECORD_FAMILY_VPC)
			continue;
		format.fields[format.count++] = (uint8_t)i;
		if (record_fields[i].version > (int)format.version)
			format.version = (uint8_t)record_fields[i].version;
	}
	return format;
}

int agent_open_start(struct agent *agent, struct err *err)
{
	_cleanup_free_ char *path = mem_printf("%s/" AGENT_OPEN_SOCKET, agent->options->folder);
	int listener = listen_at(path, err);

	if (listener < 0)
		return -1;
	agent->open = mem_new(1, sizeof(*agent->open));
	agent->open->listener = listener;
	agent->open->path = take(path);
	agent->open->format = all_fields();
	return 0;
}

static void close_reader(struct agent_open *open, size_t number)
{
	struct reader *reader = &open->readers[number];

	close(reader->fd);
	buf_done(&reader->waiting);
	*reader = open->readers[--open->count];
	open->readers[open->count] = (struct reader){.fd = -1};
}

void agent_open_stop(struct agent *agent)
{
	struct agent_open *open = agent->open;

	if (!open)
		return;
	while (open->count)
		close_reader(open, open->count - 1);
	unlink(open->path);
	close(open->listener);
	buf_done(&open->line);
	free(open->path);
	free(open);
	agent->open = NULL;
}

/* ---- lines ---- */

static size_t left(const struct reader *reader)
{
	return reader->waiting.n - reader->sent;
}

static void say_dropped(struct reader *reader)
{
	if (reader->dropped)
		buf_printf(&reader->waiting, "{\"dropped\":%llu}\n",
			(unsigned long long)reader->dropped);
	reader->dropped = 0;
}

static void note_dropped(struct reader *reader)
{
	if (left(reader) <= AGENT_OPEN_WAITING_MAX / 2)
		say_dropped(reader);
}

/* Asked before a line is made: of a million flows most are dropped, and shall cost little. */
static bool has_room(struct reader *reader)
{
	note_dropped(reader);
	if (!reader->dropped && left(reader) < AGENT_OPEN_WAITING_MAX)
		return true;
	reader->dropped++;
	return false;
}

/* False: the reader is gone. */
static bool send_waiting(struct reader *reader)
{
	note_dropped(reader);
	while (left(reader)) {
		ssize_t n = send(reader->fd, reader->waiting.p + reader->sent, left(reader),
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		reader->sent += (size_t)n;
		if (reader->sent < reader->waiting.n / 2)
			continue;
		memmove(reader->waiting.p, reader->waiting.p + reader->sent, left(reader));
		reader->waiting.n -= reader->sent;
		reader->sent = 0;
	}
	return true;
}

static void send_all(struct agent_open *open)
{
	for (size_t i = open->count; i-- > 0;) {
		if (!send_waiting(&open->readers[i]))
			close_reader(open, i);
	}
}

/* ---- flows ---- */

/* The one whose windows end first. */
static struct agent_group *shown_group(const struct agent_device *device)
{
	struct agent_group *group = NULL;

	for (size_t i = 0; i < device->subscription_count; i++) {
		if (!group || device->subscriptions[i]->group->interval < group->interval)
			group = device->subscriptions[i]->group;
	}
	return group;
}

static struct str make_line(struct agent_open *open, const struct agent_device *device,
	const struct flow_key *key, const struct flow_counts *counts)
{
	struct record record;

	vpc_interface_record(&device->interface, key, counts, &record);
	open->line.n = 0;
	record_text_line(&open->line, &open->format, &record);
	return buf_str(&open->line);
}

bool agent_open_is_read(const struct agent *agent)
{
	return agent->open && agent->open->count;
}

void agent_open_show(
	struct agent *agent, const struct agent_device *device, const struct flow_key *key)
{
	struct agent_open *open = agent->open;
	struct agent_group *group = shown_group(device);
	struct reader *readers[AGENT_OPEN_READERS];
	struct flow_counts counts;
	size_t count = 0;

	for (size_t i = 0; i < open->count && group; i++) {
		if (has_room(&open->readers[i]))
			readers[count++] = &open->readers[i];
	}
	if (!count || !flow_windows_find(group->windows, key, group->window_start, &counts))
		return;
	struct str line = make_line(open, device, key, &counts);
	for (size_t i = 0; i < count; i++)
		buf_add_str(&readers[i]->waiting, line);
}

struct showing {
	const struct agent_group *group;
	struct reader *reader;
};

static bool show(void *context, int64_t window_start, const struct flow_key *key,
	const struct flow_counts *counts)
{
	struct showing *showing = context;
	struct agent *agent = showing->group->agent;
	const struct agent_device *device =
		key->interface < agent->devices_count ? agent->devices[key->interface] : NULL;

	if (device && shown_group(device) == showing->group && has_room(showing->reader))
		buf_add_str(&showing->reader->waiting, make_line(agent->open, device, key, counts));
	return true;
}

/* ---- readers ---- */

static bool is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static int add_reader(struct agent *agent, int fd, struct err *err)
{
	struct agent_open *open = agent->open;
	_cleanup_buf_ struct buf format = {0};

	/* What is in the kernel so far is in the windows then, and is shown with them. */
	if (agent_drain(agent, err) < 0) {
		close(fd);
		return -1;
	}
	open->drained_ns = clock_mono_ns();
	struct reader *reader = &open->readers[open->count++];
	*reader = (struct reader){.fd = fd};
	record_format_print(&format, &open->format);
	buf_printf(&reader->waiting, "{\"nagare-open\":%d,\"format\":\"%s\"}\n", AGENT_OPEN_VERSION,
		buf_text(&format));
	for (size_t i = 0; i < agent->groups_count; i++)
		flow_windows_show(agent->groups[i]->windows, show,
			&(struct showing){agent->groups[i], reader});
	say_dropped(reader); /* who wants no more is told too */
	buf_add_text(&reader->waiting, "{\"complete\":true}\n");
	return 0;
}

static int accept_readers(struct agent *agent, struct err *err)
{
	struct agent_open *open = agent->open;
	int fd;

	while ((fd = accept4(open->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		if (open->count == AGENT_OPEN_READERS || !is_allowed(fd))
			close(fd);
		else if (add_reader(agent, fd, err) < 0)
			return -1;
	}
	return 0;
}

size_t agent_open_waits(const struct agent *agent, struct pollfd *ret_ready)
{
	const struct agent_open *open = agent->open;

	if (!open)
		return 0;
	ret_ready[0] = (struct pollfd){open->listener, POLLIN, 0};
	for (size_t i = 0; i < open->count; i++) {
		const struct reader *reader = &open->readers[i];
		ret_ready[i + 1] = (struct pollfd){
			reader->fd, (short)(POLLRDHUP | (left(reader) ? POLLOUT : 0)), 0};
	}
	return open->count + 1;
}

int64_t agent_open_due(const struct agent *agent)
{
	return agent_open_is_read(agent) ? agent->open->drained_ns + EVERY_NS : INT64_MAX;
}

int agent_open_serve(struct agent *agent, const struct pollfd *ready, size_t count, struct err *err)
{
	struct agent_open *open = agent->open;

	if (!open)
		return 0;
	for (size_t i = count - 1; i-- > 0;) {
		if (ready[i + 1].revents & (POLLRDHUP | POLLHUP | POLLERR))
			close_reader(open, i);
	}
	if (ready[0].revents && accept_readers(agent, err) < 0)
		return -1;
	if (open->count && clock_mono_ns() - open->drained_ns >= EVERY_NS) {
		open->drained_ns = clock_mono_ns();
		if (agent_drain(agent, err) < 0)
			return -1;
	}
	send_all(open);
	return 0;
}
