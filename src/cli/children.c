#include "cli/children.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/privileges.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ARGUMENTS_MAX  32
#define STEADY_SECONDS 60 /* who has run so long starts anew with its failures */
#define BACK_OFF_MAX   30

/* In the child. Only returns on failure. */
static int become_child(const struct cli_child *child, pid_t parent, struct err *err)
{
	const char *arguments[ARGUMENTS_MAX] = {"nagare"};
	sigset_t none;

	for (size_t i = 0; child->arguments[i] && i + 2 < ARGUMENTS_MAX; i++)
		arguments[i + 1] = child->arguments[i];
	setpgid(0, 0);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (child->folder && chdir(child->folder) < 0)
		return err_set_errno(err, errno, "%s", child->folder);
	if (child->user && cli_become_ordinary(child->user, err) < 0)
		return -1;
	/* Becoming somebody else has cleared it. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0 || getppid() != parent)
		return err_set(err, ERR_SYSTEM, "the parent is gone");
	/* These are for the keys of people; the children have files of their own. */
	static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
		"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CONFIG_FILE"};
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++)
		unsetenv(variables[i]);
	/* By its path, which is what tools then call it by; but that may lie where only root gets.
	 */
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n > 0) {
		path[n] = '\0';
		execv(path, (char *const *)arguments);
	}
	execv("/proc/self/exe", (char *const *)arguments);
	return err_set_errno(err, errno, "cannot start nagare %s", child->name);
}

int cli_child_start(struct cli_child *child, struct err *err)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return err_set_errno(err, errno, "cannot start nagare %s", child->name);
	if (pid == 0) {
		struct err own = ERR_INIT;
		become_child(child, parent, &own);
		cli_print_error(&own);
		_exit(err_exit_status(&own));
	}
	setpgid(pid, pid); /* both do: who comes first does not matter */
	child->pid = pid;
	child->started_ns = clock_mono_ns();
	return 0;
}

static void say_death(const struct cli_child *child, int status, int64_t wait_s)
{
	if (WIFSIGNALED(status))
		cli_warn("the %s was ended by signal %d (%s); it starts again in %lld s",
			child->name, WTERMSIG(status), strsignal(WTERMSIG(status)),
			(long long)wait_s);
	else
		cli_warn("the %s ended with exit status %d; it starts again in %lld s", child->name,
			WEXITSTATUS(status), (long long)wait_s);
}

void cli_child_look_after(struct cli_child *child)
{
	int64_t now_ns = clock_mono_ns();
	struct err err = ERR_INIT;
	int status;

	if (child->pid > 0) {
		if (waitpid(child->pid, &status, WNOHANG) != child->pid)
			return;
		bool was_steady = now_ns - child->started_ns > STEADY_SECONDS * CLOCK_NS_PER_SECOND;
		child->pid = 0;
		child->failures = was_steady ? 0 : child->failures;
		int64_t wait_s = child->failures < 5 ? 1 << child->failures : BACK_OFF_MAX;
		child->failures++;
		child->restart_ns = now_ns + wait_s * CLOCK_NS_PER_SECOND;
		say_death(child, status, wait_s);
	}
	if (now_ns < child->restart_ns)
		return;
	if (cli_child_start(child, &err) < 0) {
		cli_print_error(&err);
		child->restart_ns = now_ns + BACK_OFF_MAX * CLOCK_NS_PER_SECOND;
	}
}

void cli_child_stop(struct cli_child *child, unsigned wait_ms)
{
	int64_t end_ns = clock_mono_ns() + wait_ms * INT64_C(1000000);
	const struct timespec moment = {.tv_nsec = 10000000};

	if (child->pid <= 0)
		return;
	kill(child->pid, SIGTERM);
	while (waitpid(child->pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ns() > end_ns) {
			cli_warn("the %s does not stop and is killed", child->name);
			kill(child->pid, SIGKILL);
			waitpid(child->pid, NULL, 0);
			break;
		}
		nanosleep(&moment, NULL);
	}
	child->pid = 0;
}
