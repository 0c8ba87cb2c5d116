/* Help and man pages come from the same rows, so that neither can say what the other does not. A
 * page is mdoc(7) and stays clean under `mandoc -T lint`. */
#include "cli/manual.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define HELP_COLUMNS   80
#define OPTION_COLUMNS 30

/* Takes the first paragraph ("\n\n" ends it) off the front of *text. */
static bool next_paragraph(struct str *text, struct str *ret_paragraph)
{
	if (text->n == 0)
		return false;
	const char *end = memmem(text->p, text->n, "\n\n", 2);
	size_t n = end ? (size_t)(end - text->p) : text->n;
	size_t used = end ? n + 2 : n;
	*ret_paragraph = (struct str){text->p, n};
	*text = (struct str){text->p + used, text->n - used};
	return true;
}

static bool has_options(const struct cli_command *command)
{
	return command->options && command->options[0].name;
}

static bool has_examples(const struct cli_command *command)
{
	return command->examples && command->examples[0].command;
}

/* Words of text from column indent on, wrapped at HELP_COLUMNS; the cursor stands at column. */
static void print_wrapped(FILE *stream, struct str text, int indent, int column)
{
	struct str word;

	while (str_split(&text, ' ', &word)) {
		if (column > indent && column + 1 + (int)word.n > HELP_COLUMNS) {
			fprintf(stream, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			putc(' ', stream);
			column++;
		}
		fprintf(stream, "%.*s", STR_ARG(word));
		column += (int)word.n;
	}
	putc('\n', stream);
}

static void print_option(FILE *stream, const struct cli_option *option)
{
	char left[128];

	snprintf(left, sizeof(left), "  %c%c%c --%s%s%s", option->short_name ? '-' : ' ',
		option->short_name ? option->short_name : ' ', option->short_name ? ',' : ' ',
		option->name, option->argument && option->argument[0] != '[' ? " " : "",
		option->argument ? option->argument : "");
	if (strlen(left) > OPTION_COLUMNS - 2)
		fprintf(stream, "%s\n%*s", left, OPTION_COLUMNS, "");
	else
		fprintf(stream, "%-*s", OPTION_COLUMNS, left);
	print_wrapped(stream, str_from(option->help), OPTION_COLUMNS, OPTION_COLUMNS);
}

void cli_manual_help(const struct cli_command *command, FILE *stream)
{
	static const struct cli_option help = {"help", 'h', NULL, "This text.", NULL};
	struct str description = str_from(command->description);
	struct str paragraph;

	fprintf(stream, "Usage: nagare %s%s%s%s\n\n", command->name,
		has_options(command) ? " [OPTION]..." : "", command->operands ? " " : "",
		command->operands ? command->operands : "");
	print_wrapped(stream, str_from(command->summary), 0, 0);
	while (next_paragraph(&description, &paragraph)) {
		putc('\n', stream);
		print_wrapped(stream, paragraph, 0, 0);
	}
	fputs("\nOptions:\n", stream);
	for (const struct cli_option *option = command->options; option && option->name; option++)
		print_option(stream, option);
	print_option(stream, &help);
	if (has_examples(command))
		fputs("\nExamples:\n", stream);
	for (const struct cli_example *e = command->examples; e && e->command; e++) {
		fputs("  # ", stream);
		print_wrapped(stream, str_from(e->explanation), 4, 4);
		fprintf(stream, "  %s\n", e->command);
	}
}

/* Text as roff: backslashes, hyphens, quotes, and dots and quotes at the start of a line. */
static void print_roff(FILE *stream, struct str text)
{
	bool line_start = true;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		if (line_start && (c == '.' || c == '\''))
			fputs("\\&", stream);
		if (c == '\\')
			fputs("\\e", stream);
		else if (c == '-')
			fputs("\\-", stream);
		else if (c == '"')
			fputs("\\(dq", stream);
		else
			putc(c, stream);
		line_start = c == '\n';
	}
}

static void print_roff_line(FILE *stream, struct str text)
{
	print_roff(stream, text);
	putc('\n', stream);
}

/* A sentence a line, as mdoc asks. */
void cli_manual_prose(FILE *stream, struct str text)
{
	const char *end;

	while ((end = memmem(text.p, text.n, ". ", 2))) {
		size_t n = (size_t)(end - text.p) + 1;
		print_roff_line(stream, (struct str){text.p, n});
		text = (struct str){text.p + n + 1, text.n - n - 1};
	}
	print_roff_line(stream, text);
}

/* Text as arguments of a macro, where a word may look like a macro or a quoted argument. */
void cli_manual_words(FILE *stream, struct str text)
{
	struct str word;

	while (str_split(&text, ' ', &word)) {
		fputs(" \\&", stream);
		print_roff(stream, word);
	}
}

/* "FILE...", "[SQL]", "[COMMAND|fields]" as macros. */
static void print_operands(FILE *stream, const char *operands)
{
	struct str rest = str_from(operands);
	struct str word;

	while (str_split(&rest, ' ', &word)) {
		bool repeats = str_ends_with(word, STR("..."));
		if (repeats)
			word.n -= 3;
		bool optional = word.n > 2 && word.p[0] == '[' && word.p[word.n - 1] == ']';
		if (optional)
			word = (struct str){word.p + 1, word.n - 2};
		fputs(optional ? ".Op Ar" : ".Ar", stream);
		cli_manual_words(stream, word);
		fputs(repeats ? " ...\n" : "\n", stream);
	}
}

static void print_options(FILE *stream, const struct cli_option *option)
{
	fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", stream);
	for (; option->name; option++) {
		fputs(".It ", stream);
		if (option->short_name)
			fprintf(stream, "Fl %c , ", option->short_name);
		fputs("Fl Fl", stream);
		cli_manual_words(stream, str_from(option->name));
		if (option->argument) {
			fputs(option->argument[0] == '[' ? " Ns Ar" : " Ar", stream);
			cli_manual_words(stream, str_from(option->argument));
		}
		putc('\n', stream);
		cli_manual_prose(stream, str_from(option->help));
	}
	fputs(".El\n", stream);
}

static void print_exit_status(FILE *stream)
{
	static const struct {
		int exit_status;
		const char *meaning;
	} rows[] = {
#define X(name, exit_status, meaning) {exit_status, meaning},
		ERR_CODES(X)
#undef X
	};

	fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds -compact\n.It 0\ndone", stream);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (i > 0 && rows[i].exit_status == rows[i - 1].exit_status)
			fputs(", or\n", stream);
		else
			fprintf(stream, "\n.It %d\n", rows[i].exit_status);
		print_roff(stream, str_from(rows[i].meaning));
	}
	fputs("\n.El\n", stream);
}

static void print_examples(FILE *stream, const struct cli_example *example)
{
	fputs(".Sh EXAMPLES\n", stream);
	for (; example->command; example++) {
		cli_manual_prose(stream, str_from(example->explanation));
		fputs(".Bd -literal -offset indent\n", stream);
		print_roff_line(stream, str_from(example->command));
		fputs(".Ed\n", stream);
	}
}

static void print_page_start(FILE *stream, const char *name, const char *summary)
{
	fputs(".Dd " NAGARE_DATE "\n.Dt ", stream);
	for (const char *p = name; *p; p++)
		putc(toupper((unsigned char)*p), stream);
	fprintf(stream, " 1\n.Os nagare " NAGARE_VERSION "\n.Sh NAME\n.Nm %s\n.Nd", name);
	cli_manual_words(stream, str_from(summary));
	fputs("\n.Sh SYNOPSIS\n", stream);
}

void cli_manual_page(const struct cli_command *command, FILE *stream)
{
	struct str description = str_from(command->description);
	struct str paragraph;
	_cleanup_free_ char *name = mem_printf("nagare-%s", command->name);

	print_page_start(stream, name, command->summary);
	fprintf(stream, ".Nm nagare\n.Cm %s\n", command->name);
	if (has_options(command))
		fputs(".Op Ar OPTION ...\n", stream);
	if (command->operands)
		print_operands(stream, command->operands);
	fputs(".Sh DESCRIPTION\n", stream);
	while (next_paragraph(&description, &paragraph)) {
		cli_manual_prose(stream, paragraph);
		if (description.n)
			fputs(".Pp\n", stream);
	}
	if (has_options(command))
		print_options(stream, command->options);
	print_exit_status(stream);
	if (has_examples(command))
		print_examples(stream, command->examples);
	fputs(".Sh SEE ALSO\n.Xr nagare 1\n", stream);
}

static int compare_names(const void *a, const void *b)
{
	const struct cli_command *const *left = a;
	const struct cli_command *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* mdoc wants the references in the order of the alphabet. */
static void print_references(FILE *stream)
{
	const struct cli_command *sorted[64];
	size_t n = 0;

	while (n < ARRAY_SIZE(sorted) && cli_commands[n]) {
		sorted[n] = cli_commands[n];
		n++;
	}
	qsort(sorted, n, sizeof(sorted[0]), compare_names);
	fputs(".Sh SEE ALSO\n", stream);
	for (size_t i = 0; i < n; i++)
		fprintf(stream, ".Xr nagare-%s 1%s\n", sorted[i]->name, i + 1 < n ? " ," : "");
}

void cli_manual_main_page(FILE *stream)
{
	print_page_start(stream, "nagare", "VPC Flow Logs for every Linux network");
	fputs(".Nm\n.Ar COMMAND\n.Op Ar OPTION ...\n.Sh DESCRIPTION\n.Nm\n"
	      "records the traffic of network interfaces in the formats of AWS's VPC Flow Logs and\n"
	      "answers SQL about it.\n.Sh COMMANDS\n.Bl -tag -width Ds\n",
		stream);
	for (const struct cli_command *const *command = cli_commands; *command; command++) {
		fprintf(stream, ".It Cm %s\n", (*command)->name);
		cli_manual_prose(stream, str_from((*command)->summary));
	}
	fputs(".El\n", stream);
	print_exit_status(stream);
	print_references(stream);
}
