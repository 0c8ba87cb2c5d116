#include "cli/prompt.h"

#include "base/buf.h"
#include "base/file.h"
#include "query/query.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#define HISTORY_STATEMENTS 1000

struct prompt {
	const struct prompt_options *options;
	EditLine *line;
	History *history;
	struct buf typed; /* lines of the statement that is not yet ended */
	bool leave;
};

/* What the signal handler sees. It may run in any thread, DuckDB's among them, so that it cannot be
 * relied on to end a read in this one: a byte in a pipe does that. */
static const struct prompt_options *volatile running;
static int wake[2] = {-1, -1};

static void on_interrupt(int number)
{
	const struct prompt_options *options = running;
	int before = errno;

	if (options)
		options->interrupt(options->context);
	else
		(void)!write(wake[1], "", 1);
	errno = before;
}

/* True when Ctrl-C was typed since the last call. */
static bool take_interrupt(void)
{
	char bytes[64];
	bool any = false;

	while (read(wake[0], bytes, sizeof(bytes)) > 0)
		any = true;
	return any;
}

/* For libedit: one character, 0 at the end of input, -1 at Ctrl-C. */
static int read_character(EditLine *line, wchar_t *ret_character)
{
	struct pollfd sources[] = {
		{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
	mbstate_t state = {0};

	for (;;) {
		char byte;
		if (poll(sources, 2, -1) < 0 && errno != EINTR)
			return -1;
		if (sources[1].revents) {
			errno = EINTR;
			return -1;
		}
		if (!sources[0].revents)
			continue;
		ssize_t n = read(STDIN_FILENO, &byte, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		size_t used = mbrtowc(ret_character, &byte, 1, &state);
		if (used == (size_t)-1) {
			*ret_character = L'?';
			return 1;
		}
		if (used != (size_t)-2)
			return 1;
	}
}

static char *text_of_prompt(EditLine *line)
{
	static char first[] = "nagare> ", further[] = "   ...> ";
	struct prompt *prompt = NULL;

	el_get(line, EL_CLIENTDATA, &prompt);
	return prompt->typed.n ? further : first;
}

static void remember(struct prompt *prompt, struct str statement)
{
	_cleanup_buf_ struct buf text = {0};
	HistEvent event;

	/* one line again, unless a line end ends a comment */
	buf_add_str(&text, str_trim(statement));
	bool comment = memmem(text.p, text.n, "--", 2);
	for (size_t i = 0; i < text.n && !comment; i++) {
		if (text.p[i] == '\n')
			text.p[i] = ' ';
	}
	history(prompt->history, &event, H_ENTER, buf_text(&text));
}

/* Commands that are no SQL, alone on their line. True when it was one. */
static bool take_command(struct prompt *prompt, struct str line)
{
	static const char *const leaving[] = {"\\q", ".quit", ".exit", "quit", "exit"};

	line = str_trim(line);
	for (size_t i = 0; i < ARRAY_SIZE(leaving); i++) {
		if (str_equal(line, str_from(leaving[i]))) {
			prompt->leave = true;
			return true;
		}
	}
	if (str_equal(line, STR("\\?")) || str_equal(line, STR(".help")) ||
		str_equal(line, STR("help"))) {
		puts(prompt->options->help);
		return true;
	}
	if (line.n && (line.p[0] == '\\' || line.p[0] == '.')) {
		printf("There is no command %.*s; .help lists them.\n", STR_ARG(line));
		return true;
	}
	return false;
}

static void run_typed(struct prompt *prompt)
{
	size_t n;

	while ((n = query_statement_length(buf_str(&prompt->typed))) > 0) {
		struct str statement = {prompt->typed.p, n};
		if (!query_statement_is_empty(statement)) {
			remember(prompt, statement);
			running = prompt->options;
			prompt->options->run(prompt->options->context, statement);
			fflush(stdout);
			running = NULL;
		}
		memmove(prompt->typed.p, prompt->typed.p + n, prompt->typed.n - n);
		prompt->typed.n -= n;
	}
	if (str_trim(buf_str(&prompt->typed)).n == 0 ||
		(prompt->typed.n && query_statement_is_empty(buf_str(&prompt->typed))))
		prompt->typed.n = 0;
}

static void read_lines(struct prompt *prompt)
{
	while (!prompt->leave) {
		int n = 0;
		el_resize(prompt->line);
		/* before the prompt shows: libedit does it behind, and loses a Ctrl-D in between */
		el_set(prompt->line, EL_PREP_TERM, 1);
		const char *text = el_gets(prompt->line, &n);
		if (take_interrupt()) {
			prompt->typed.n = 0;
			el_reset(prompt->line);
			putchar('\n');
			continue;
		}
		if (!text || n <= 0) {
			putchar('\n');
			break;
		}
		struct str line = {text, (size_t)n};
		while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
			line.n--;
		if (prompt->typed.n == 0 && take_command(prompt, line))
			continue;
		buf_add_str(&prompt->typed, line);
		buf_add_char(&prompt->typed, '\n');
		run_typed(prompt);
	}
}

static void load_history(struct prompt *prompt)
{
	HistEvent event;

	prompt->history = history_init();
	history(prompt->history, &event, H_SETSIZE, HISTORY_STATEMENTS);
	history(prompt->history, &event, H_SETUNIQUE, 1);
	if (prompt->options->history_path)
		history(prompt->history, &event, H_LOAD, prompt->options->history_path);
	el_set(prompt->line, EL_HIST, history, prompt->history);
}

/* History is a convenience: a home that cannot be written to is no error. Statements tell what
 * somebody looked for, so only the user may read them. */
static void save_history(struct prompt *prompt)
{
	const char *path = prompt->options->history_path;
	const char *slash = path ? strrchr(path, '/') : NULL;
	HistEvent event;

	if (!slash)
		return;
	_cleanup_free_ char *folder = mem_printf("%.*s", (int)(slash - path), path);
	if (file_make_folders(folder, 0700, NULL) < 0)
		return;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 0600) < 0)
		return;
	history(prompt->history, &event, H_SAVE, path);
}

int cli_prompt(const struct prompt_options *options, struct err *err)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESTART}, before;
	struct prompt prompt = {.options = options};

	if (wake[0] < 0 && pipe2(wake, O_NONBLOCK | O_CLOEXEC) < 0)
		return err_set_errno(err, errno, "cannot make a pipe");
	prompt.line = el_init("nagare", stdin, stdout, stderr);
	if (!prompt.line)
		return err_set(err, ERR_SYSTEM, "the terminal cannot be set up for line editing");
	el_set(prompt.line, EL_CLIENTDATA, &prompt);
	el_set(prompt.line, EL_GETCFN, read_character);
	el_set(prompt.line, EL_PROMPT, text_of_prompt);
	el_set(prompt.line, EL_EDITOR, "emacs");
	el_set(prompt.line, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(prompt.line, NULL);
	load_history(&prompt);
	sigaction(SIGINT, &action, &before);
	read_lines(&prompt);
	sigaction(SIGINT, &before, NULL);
	save_history(&prompt);
	history_end(prompt.history);
	el_end(prompt.line);
	buf_done(&prompt.typed);
	return 0;
}
