#include "cli/completion.h"

#include "base/str.h"
#include "cli/command.h"

#include <string.h>

static void print_commands(FILE *stream)
{
	for (const struct cli_command *const *command = cli_commands; *command; command++)
		fprintf(stream, "%s ", (*command)->name);
}

/* What stands in lower case between the bars of "[COMMAND|fields]" or "text|json" is offered as it
 * is; COMMAND stands for the commands. */
static void print_alternatives(FILE *stream, const char *text)
{
	struct str rest = str_from(text);
	struct str word;

	while (str_split(&rest, '|', &word)) {
		size_t start = strspn(word.p, "[");
		word = (struct str){word.p + start, strcspn(word.p + start, "|]. ")};
		if (str_equal(word, STR("COMMAND")))
			print_commands(stream);
		else if (word.n &&
			 strspn(word.p, "abcdefghijklmnopqrstuvwxyz0123456789-") >= word.n)
			fprintf(stream, "%.*s ", STR_ARG(word));
	}
}

static void print_case(FILE *stream, const struct cli_command *command)
{
	for (const struct cli_option *option = command->options; option && option->name; option++) {
		if (!option->argument || option->argument[0] == '[')
			continue;
		fprintf(stream, "\t*,%s,--%s", command->name, option->name);
		if (option->short_name)
			fprintf(stream, "|*,%s,-%c", command->name, option->short_name);
		fputs(") words='", stream);
		print_alternatives(stream, option->argument);
		fputs("' ;;\n", stream);
	}
	fprintf(stream, "\t*,%s,*)\n\t\twords='", command->name);
	if (command->operands)
		print_alternatives(stream, command->operands);
	fputs("'\n\t\t[[ $word == -* ]] && words='", stream);
	for (const struct cli_option *option = command->options; option && option->name; option++)
		fprintf(stream, "--%s ", option->name);
	fputs("--help' ;;\n", stream);
}

void cli_completion_bash(FILE *stream)
{
	fputs("# bash completion for nagare, made by: nagare help --completion bash\n"
	      "_nagare()\n{\n"
	      "\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n"
	      "\tlocal previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tcase $COMP_CWORD,${COMP_WORDS[1]},$previous in\n"
	      "\t1,*) words='",
		stream);
	print_commands(stream);
	fputs("--help --version' ;;\n", stream);
	for (const struct cli_command *const *command = cli_commands; *command; command++)
		print_case(stream, *command);
	fputs("\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
	      "}\n"
	      "complete -o default -F _nagare nagare\n",
		stream);
}
