#include "cli/command.h"

#include "base/mem.h"
#include "base/number.h"
#include "cli/manual.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int cli_exit_status;

int cli_seconds(const char *value, uint64_t max, uint64_t *ret_seconds, struct err *err)
{
	if (number_parse_seconds(str_from(value), max, ret_seconds) && *ret_seconds)
		return 0;
	return err_set(err, ERR_USAGE, "expected a time such as 30s, 5m or 1h, found '%s'", value);
}

bool cli_is_terminal(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

unsigned cli_terminal_columns(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* Control characters of file names and input never reach the terminal. */
static void print_clean(FILE *stream, const char *text)
{
	for (; *text; text++)
		putc((unsigned char)*text < ' ' || *text == 127 ? '?' : *text, stream);
}

void cli_print_error(const struct err *err)
{
	bool colour = cli_is_terminal(STDERR_FILENO) && !getenv("NO_COLOR");

	fputs(colour ? "\033[31mnagare:\033[0m " : "nagare: ", stderr);
	print_clean(stderr, err->message[0] ? err->message : "failed");
	if (err->hint[0]) {
		fputs("\n        ", stderr);
		print_clean(stderr, err->hint);
	}
	putc('\n', stderr);
}

void cli_warn(const char *format, ...)
{
	char message[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	fputs("nagare: warning: ", stderr);
	print_clean(stderr, message);
	putc('\n', stderr);
}

static size_t count_options(const struct cli_command *command)
{
	size_t n = 0;

	while (command->options && command->options[n].name)
		n++;
	return n;
}

static int argument_kind(const struct cli_option *option)
{
	if (!option->argument)
		return no_argument;
	return option->argument[0] == '[' ? optional_argument : required_argument;
}

/* The getopt tables for the command's options and --help. Long options carry their index. */
static struct option *make_long_options(const struct cli_command *command, char *short_options)
{
	size_t n = count_options(command);
	struct option *options = mem_new(n + 2, sizeof(*options));

	*short_options++ = ':';
	for (size_t i = 0; i < n; i++) {
		const struct cli_option *option = &command->options[i];
		options[i] =
			(struct option){option->name, argument_kind(option), NULL, 256 + (int)i};
		if (option->short_name) {
			*short_options++ = option->short_name;
			if (option->argument)
				*short_options++ = ':';
		}
	}
	options[n] = (struct option){"help", no_argument, NULL, 'h'};
	*short_options++ = 'h';
	*short_options = '\0';
	return options;
}

static const struct cli_option *find_option(const struct cli_command *command, int found)
{
	if (found >= 256)
		return &command->options[found - 256];
	for (const struct cli_option *option = command->options; option && option->name; option++) {
		if (option->short_name == found)
			return option;
	}
	return NULL;
}

static int set_option(const struct cli_command *command, const struct cli_option *option,
	void *settings, struct err *err)
{
	if (option->set(settings, optarg ? optarg : "", err) == 0)
		return 0;
	err_wrap(err, "--%s", option->name);
	return err_hint(err, "'nagare %s --help' shows the options", command->name);
}

/* 0: go on, 1: help was printed, <0: wrong usage. */
static int parse_options(
	const struct cli_command *command, int argc, char **argv, void *settings, struct err *err)
{
	_cleanup_free_ char *short_options = mem_new(2 * count_options(command) + 4, 1);
	_cleanup_free_ struct option *long_options = make_long_options(command, short_options);
	int found;

	opterr = 0;
	optind = 1;
	while ((found = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (found == 'h') {
			cli_manual_help(command, stdout);
			return 1;
		}
		const char *given = optind > 0 && optind <= argc ? argv[optind - 1] : "";
		if (found == '?' || found == ':') {
			if (found == ':')
				err_set(err, ERR_USAGE, "option %s needs a value", given);
			else if (optopt && optopt < 256)
				err_set(err, ERR_USAGE, "there is no option -%c", optopt);
			else
				err_set(err, ERR_USAGE, "there is no option %s", given);
			return err_hint(err, "'nagare %s --help' shows the options", command->name);
		}
		if (set_option(command, find_option(command, found), settings, err) < 0) {
			err->code = ERR_USAGE;
			return -1;
		}
	}
	if (!command->operands && optind < argc) {
		err_set(err, ERR_USAGE, "unexpected '%s'", argv[optind]);
		return err_hint(err, "'nagare %s --help' shows the usage", command->name);
	}
	return 0;
}

int cli_command_main(const struct cli_command *command, int argc, char **argv)
{
	_cleanup_free_ void *settings = mem_new(1, command->settings_size);
	struct err err = ERR_INIT;

	int parsed = parse_options(command, argc, argv, settings, &err);
	if (parsed > 0)
		return 0;
	if (parsed == 0 && command->run(settings, argc - optind, argv + optind, &err) == 0)
		parsed = 1;
	if (parsed > 0 && fflush(stdout) != 0) {
		err_set(&err, ERR_SYSTEM, "cannot write to standard output");
		parsed = -1;
	}
	if (parsed > 0)
		return cli_exit_status;
	cli_print_error(&err);
	return err_exit_status(&err);
}
