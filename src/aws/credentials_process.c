/* credential_process: a program that says keys on its output, and the JSON document that it,
 * containers and instances use. */
#include "aws/credentials_priv.h"
#include "aws/time.h"
#include "base/buf.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#define OUTPUT_MAX (64 << 10)
#define TIMEOUT_MS 60000

char *credentials_copy(struct str s)
{
	return mem_printf("%.*s", STR_ARG(s));
}

static struct str member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_string(value)
		       ? (struct str){json_string_value(value), json_string_length(value)}
		       : STR_NONE;
}

int credentials_parse_json(struct str text, const struct credentials_shape *shape,
	struct aws_keys *ret_keys, struct err *err)
{
	json_error_t error;
	json_t *object = json_loadb(text.p ? text.p : "", text.n, 0, &error);
	int result = -1;

	if (!json_is_object(object)) {
		err_set(err, ERR_INPUT, "expected a JSON object with keys");
		json_decref(object);
		return -1;
	}
	struct str id = member(object, "AccessKeyId"), secret = member(object, "SecretAccessKey");
	struct str token = member(object, shape->token);
	struct str expiration = member(object, shape->expiration);
	int64_t expires_ms = 0;
	if (shape->is_versioned && json_integer_value(json_object_get(object, "Version")) != 1)
		err_set(err, ERR_INPUT, "expected \"Version\": 1");
	else if (!id.n || !secret.n)
		/* Instances answer 200 with a Code when something is wrong. */
		err_set(err, ERR_INPUT, "no AccessKeyId and SecretAccessKey%s%.*s%s%.*s",
			member(object, "Code").n ? ": " : "", STR_ARG(member(object, "Code")),
			member(object, "Message").n ? ": " : "",
			STR_ARG(member(object, "Message")));
	else if (expiration.n && !aws_time_parse_iso8601(expiration, &expires_ms))
		err_set(err, ERR_INPUT, "%s \"%.*s\" is no time", shape->expiration,
			STR_ARG(expiration));
	else
		result = 0;
	if (result == 0)
		*ret_keys = (struct aws_keys){credentials_copy(id), credentials_copy(secret),
			token.n ? credentials_copy(token) : NULL, expires_ms};
	json_decref(object);
	return result;
}

/* One of the program's two outputs. */
struct output {
	int fd;
	size_t max;
	struct buf bytes;
};

static void output_done(struct output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	if (output->bytes.p)
		OPENSSL_cleanse(output->bytes.p, output->bytes.n);
	buf_done(&output->bytes);
}

static int spawn(const char *command, struct output *out, struct output *said, pid_t *ret_pid,
	struct err *err)
{
	char shell[] = "sh", option[] = "-c";
	_cleanup_free_ char *line = mem_strdup(command);
	char *arguments[] = {shell, option, line, NULL};
	posix_spawn_file_actions_t actions;
	int pipes[2][2] = {{-1, -1}, {-1, -1}};

	if (pipe2(pipes[0], O_CLOEXEC) < 0)
		return err_set_errno(err, errno, "pipe");
	if (pipe2(pipes[1], O_CLOEXEC) < 0) {
		close(pipes[0][0]);
		close(pipes[0][1]);
		return err_set_errno(err, errno, "pipe");
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipes[0][1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, pipes[1][1], STDERR_FILENO);
	int result = posix_spawn(ret_pid, "/bin/sh", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[0][1]);
	close(pipes[1][1]);
	out->fd = pipes[0][0];
	said->fd = pipes[1][0];
	return result ? err_set_errno(err, result, "cannot start \"%s\"", command) : 0;
}

/* False at its end. */
static bool read_output(struct output *output)
{
	char bytes[4096];
	ssize_t got = read(output->fd, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got <= 0) {
		close(output->fd);
		output->fd = -1;
		return false;
	}
	size_t room = output->max - output->bytes.n;
	buf_add(&output->bytes, bytes, (size_t)got < room ? (size_t)got : room);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	return true;
}

/* Until the program has closed its output. */
static int collect(
	const struct aws_stop *stop, struct output *out, struct output *said, struct err *err)
{
	int64_t end = clock_mono_ns() + TIMEOUT_MS * INT64_C(1000000);

	while (out->fd >= 0) {
		struct pollfd fds[] = {{.fd = out->fd, .events = POLLIN},
			{.fd = said->fd, .events = POLLIN},
			{.fd = stop ? stop->fd : -1, .events = POLLIN}};
		int64_t left = (end - clock_mono_ns()) / 1000000;
		if (aws_stop_is_set(stop))
			return err_set(err, ERR_SYSTEM, "stopped");
		if (left <= 0)
			return err_set(
				err, ERR_SYSTEM, "has said nothing for %d s", TIMEOUT_MS / 1000);
		if (poll(fds, ARRAY_SIZE(fds), (int)left) <= 0)
			continue;
		if (fds[0].revents)
			read_output(out);
		if (said->fd >= 0 && fds[1].revents)
			read_output(said);
	}
	return 0;
}

/* The first line of what it said to people. */
static struct str first_line(const struct output *said)
{
	struct str text = buf_str(&said->bytes), line = STR_NONE;

	str_split(&text, '\n', &line);
	if (line.n > 200)
		line.n = 200;
	return line;
}

int credentials_from_process(struct credentials_fetch *fetch, const char *command,
	struct aws_keys *ret_keys, struct err *err)
{
	static const struct credentials_shape shape = {"SessionToken", "Expiration", true};
	_cleanup_(output_done) struct output out = {.fd = -1, .max = OUTPUT_MAX};
	_cleanup_(output_done) struct output said = {.fd = -1, .max = 4096};
	int status = 0;
	pid_t pid = 0;

	if (spawn(command, &out, &said, &pid, err) < 0)
		return -1;
	int result = collect(fetch->stop, &out, &said, err);
	if (result < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (result == 0 && said.fd >= 0 && fcntl(said.fd, F_SETFL, O_NONBLOCK) == 0)
		read_output(&said);
	if (result == 0 && status != 0)
		result = err_set(err, ERR_SYSTEM, "ended with status %d%s%.*s",
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
			first_line(&said).n ? ": " : "", STR_ARG(first_line(&said)));
	if (result == 0)
		result = credentials_parse_json(buf_str(&out.bytes), &shape, ret_keys, err);
	return result < 0 ? err_wrap(err, "credential_process \"%.200s\"", command) : 0;
}
