#include "cli/command.h"

#include "base/clock.h"
#include "base/number.h"
#include "cli/defaults.h"
#include "cli/prompt.h"
#include "cli/query_bar.h"
#include "cli/query_server.h"
#include "cli/s3_options.h"
#include "query/query.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define SQL_BYTES_MAX ((size_t)16 << 20) /* of one run's statements */
#define LOCATIONS_MAX 256
#define CACHE_BYTES   (UINT64_C(20) << 30)

extern const struct cli_command cli_query;

struct settings {
	struct query_s3_options s3; /* first: cli/s3_options.h */
	const char *from[LOCATIONS_MAX];
	size_t from_count;
	enum query_output output;
	struct record_format format;
	bool strict;
	unsigned threads;
	uint64_t memory_limit;
	const char *cache; /* folder, "": the default one; NULL: none */
	uint64_t cache_limit;
	bool stats, explain_cost;
	const char *data_folder; /* of the server on this host */
};

static int set_from(void *settings_, const char *value, struct err *err)
{
	struct settings *settings = settings_;

	if (!*value)
		return err_set(err, ERR_USAGE, "expected a file, folder or glob");
	if (settings->from_count == LOCATIONS_MAX)
		return err_set(err, ERR_USAGE, "at most %d locations; a glob may name more",
			LOCATIONS_MAX);
	settings->from[settings->from_count++] = value;
	return 0;
}

static int set_output(void *settings, const char *value, struct err *err)
{
	static const char *const names[] = {
		[QUERY_TABLE] = "table",
		[QUERY_CSV] = "csv",
		[QUERY_TSV] = "tsv",
		[QUERY_JSON] = "json",
		[QUERY_JSONL] = "jsonl",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			((struct settings *)settings)->output = (enum query_output)i;
			return 0;
		}
	}
	return err_set(
		err, ERR_USAGE, "expected table, csv, tsv, json or jsonl, found '%s'", value);
}

static int set_format(void *settings, const char *value, struct err *err)
{
	return record_format_parse(str_from(value), &((struct settings *)settings)->format, err);
}

static int set_strict(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->strict = true;
	return 0;
}

static int set_stats(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->stats = true;
	return 0;
}

static int set_threads(void *settings, const char *value, struct err *err)
{
	uint64_t threads;

	if (!number_parse(str_from(value), 1024, &threads) || threads == 0)
		return err_set(err, ERR_USAGE, "expected 1 to 1024, found '%s'", value);
	((struct settings *)settings)->threads = (unsigned)threads;
	return 0;
}

static int set_memory_limit(void *settings, const char *value, struct err *err)
{
	uint64_t bytes;

	if (!number_parse_size(str_from(value), UINT64_C(1) << 50, &bytes) || bytes < UINT64_C(64)
											      << 20)
		return err_set(
			err, ERR_USAGE, "expected a size from 64M, such as 4G, found '%s'", value);
	((struct settings *)settings)->memory_limit = bytes;
	return 0;
}

static int set_cache(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->cache = value;
	return 0;
}

static int set_cache_size(void *settings, const char *value, struct err *err)
{
	uint64_t bytes;

	if (!number_parse_size(str_from(value), UINT64_C(1) << 50, &bytes) || bytes == 0)
		return err_set(err, ERR_USAGE, "expected a size such as 50G, found '%s'", value);
	((struct settings *)settings)->cache_limit = bytes;
	return 0;
}

static int set_data_folder(void *settings, const char *value, struct err *err)
{
	if (!*value)
		return err_set(err, ERR_USAGE, "expected a folder");
	((struct settings *)settings)->data_folder = value;
	return 0;
}

static int set_explain_cost(void *settings, const char *value, struct err *err)
{
	((struct settings *)settings)->explain_cost = true;
	return 0;
}

/* What runs statements, a session or a server, with the way in which results are shown. */
struct shell {
	struct query_session *session;
	struct query_server *server; /* NULL: the session does */
	enum query_output output;
	unsigned terminal_columns; /* 0: standard output is no terminal */
	bool refresh;              /* look for new objects before each statement */
	bool stats;                /* say what was read */
	bool explain_cost;         /* and run nothing */
};

static struct shell *volatile interruptible;

/* Sets flags. */
static void interrupt(struct shell *shell)
{
	if (shell->server)
		query_server_interrupt(shell->server); /* NOLINT(bugprone-signal-handler) */
	else
		query_interrupt(shell->session); /* NOLINT(bugprone-signal-handler) */
}

static void on_interrupt(int number)
{
	struct shell *shell = interruptible;

	/* a second one ends the process even if the statement does not listen */
	signal(SIGINT, SIG_DFL);
	if (shell)
		interrupt(shell);
	else
		raise(SIGINT);
}

static void warn_of_bad_lines(struct query_session *session)
{
	struct query_stats stats;

	query_session_stats(session, &stats);
	if (stats.bad_lines == 0)
		return;
	cli_warn("%llu bad line%s in %llu of %llu file%s left out; the first: %s",
		(unsigned long long)stats.bad_lines, stats.bad_lines == 1 ? "" : "s",
		(unsigned long long)stats.bad_objects, (unsigned long long)stats.objects,
		stats.objects == 1 ? "" : "s", stats.errors ? stats.error[0].message : "unknown");
}

/* For people and for scripts: the words around the numbers stay. */
static void print_stats(struct query_session *session)
{
	struct query_stats stats;

	query_session_stats(session, &stats);
	fprintf(stderr,
		"objects: %llu listed, %llu pruned, %llu of text read; bytes: %llu packed, %llu "
		"unpacked; lines: %llu, %llu bad, %llu passed the conditions\n",
		(unsigned long long)stats.listed, (unsigned long long)stats.pruned,
		(unsigned long long)stats.objects, (unsigned long long)stats.packed_bytes,
		(unsigned long long)stats.bytes, (unsigned long long)stats.lines,
		(unsigned long long)stats.bad_lines, (unsigned long long)stats.rows);
	if (stats.unchecked)
		fprintf(stderr,
			"%llu lines were passed over unchecked: a text that the conditions want is "
			"not in them\n",
			(unsigned long long)stats.unchecked);
	if (stats.requests)
		fprintf(stderr, "server: %llu requests, %llu bytes\n",
			(unsigned long long)stats.requests, (unsigned long long)stats.received);
}

/* What a table on a terminal ends with. */
static void print_footer(const struct shell *shell, int64_t rows, int64_t started_ns)
{
	double seconds = (double)(clock_mono_ns() - started_ns) / CLOCK_NS_PER_SECOND;

	if (!shell->terminal_columns || shell->output != QUERY_TABLE)
		return;
	if (rows < 0)
		printf("(done, %.2f s)\n", seconds);
	else
		printf("(%lld row%s, %.2f s)\n", (long long)rows, rows == 1 ? "" : "s", seconds);
}

static bool is_explain_analyze(struct str statement)
{
	struct str word;
	unsigned words = 0;

	while (words < 2 && str_split(&statement, ' ', &word)) {
		if (word.n &&
			!str_equal_ignoring_case(word, words ? STR("ANALYZE") : STR("EXPLAIN")))
			return false;
		words += word.n > 0;
	}
	return words == 2;
}

static int run_at_server(struct shell *shell, struct str statement, struct err *err)
{
	const struct query_server_request request = {.statement = statement,
		.output = shell->output,
		.terminal_columns = shell->terminal_columns,
		.is_cost = shell->explain_cost};
	struct query_server_summary summary = {.rows = -1};
	int64_t started_ns = clock_mono_ns();

	int r = query_server_run(shell->server, &request, &summary, err);
	if (r == 0 && shell->stats)
		fprintf(stderr, "server: %llu bytes scanned\n",
			(unsigned long long)summary.scanned_bytes);
	if (r == 0)
		print_footer(shell, summary.rows, started_ns);
	return r;
}

static int print_cost(struct shell *shell, struct str statement, struct err *err)
{
	struct query_cost cost;

	int r = query_session_cost(shell->session, statement, &cost, err);
	return r == 0 ? query_cost_print(&cost, shell->output, shell->terminal_columns, err) : r;
}

/* 0, a query_outcome, or <0. */
static int run_statement(struct shell *shell, struct str statement, struct err *err)
{
	_cleanup_(query_result_freep) struct query_result *result = NULL;
	int64_t started_ns = clock_mono_ns();

	if (shell->server)
		return run_at_server(shell, statement, err);
	if (shell->refresh && query_session_refresh(shell->session, err) < 0)
		return -1;
	fflush(stdout);
	if (shell->explain_cost)
		return print_cost(shell, statement, err);
	struct query_bar bar;
	query_bar_start(&bar, shell->session);
	int r = query_run(shell->session, statement, shell->output, &result, err);
	if (r == 0)
		r = query_result_print(result, shell->terminal_columns, STDOUT_FILENO, err);
	query_bar_stop(&bar);
	int64_t rows = r == 0 ? query_result_rows(result) : -1;
	query_result_free(take(result));
	if (r >= 0)
		warn_of_bad_lines(shell->session);
	if (r >= 0 && (shell->stats || is_explain_analyze(statement)))
		print_stats(shell->session);
	if (r == 0)
		print_footer(shell, rows, started_ns);
	return r;
}

static int run_all(struct shell *shell, struct str sql, struct err *err)
{
	if (query_statement_is_empty(sql))
		return err_set(err, ERR_USAGE, "there is no SQL to run");
	while (!query_statement_is_empty(sql)) {
		size_t n = query_statement_length(sql);
		struct str statement = {sql.p, n ? n : sql.n};
		sql.p += statement.n;
		sql.n -= statement.n;
		if (query_statement_is_empty(statement))
			continue;
		int r = run_statement(shell, statement, err);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Statements of the command line or of standard input; the session ends with the first failure. */
static int run_batch(struct shell *shell, struct str sql, struct err *err)
{
	signal(SIGPIPE, SIG_IGN);
	interruptible = shell;
	signal(SIGINT, on_interrupt);
	int r = run_all(shell, sql, err);
	signal(SIGINT, SIG_DFL);
	if (r == QUERY_INTERRUPTED)
		raise(SIGINT);
	return r < 0 ? -1 : 0;
}

static void run_typed(void *shell_, struct str statement)
{
	struct shell *shell = shell_;
	struct err err = ERR_INIT;

	shell->terminal_columns =
		cli_is_terminal(STDOUT_FILENO) ? cli_terminal_columns(STDOUT_FILENO) : 0;
	int r = run_statement(shell, statement, &err);
	if (r == QUERY_INTERRUPTED)
		puts("interrupted");
	else if (r < 0)
		cli_print_error(&err);
}

static void interrupt_typed(void *shell)
{
	interrupt(shell);
}

static void greet(const struct shell *shell)
{
	size_t objects = shell->server ? 0 : query_session_objects(shell->session);

	if (shell->server)
		printf("nagare " NAGARE_VERSION ": the server's tables, in Athena's SQL.");
	else if (query_session_is_lazy(shell->session))
		printf("nagare " NAGARE_VERSION
		       ": objects are listed when a statement needs them.");
	else
		printf("nagare " NAGARE_VERSION ": vpc_flow_logs has %zu object%s.", objects,
			objects == 1 ? "" : "s");
	printf(" End statements with ';', leave with \\q, .help helps.\n");
}

static int run_prompt(struct shell *shell, struct err *err)
{
	_cleanup_free_ char *state = cli_state_folder();
	_cleanup_free_ char *history = state ? mem_printf("%s/query-history", state) : NULL;
	struct prompt_options options = {
		.history_path = history,
		.run = run_typed,
		.interrupt = interrupt_typed,
		.context = shell,
		.help = "SQL statements end with ';' and may take several lines.\n"
			"  DESCRIBE vpc_flow_logs;   the columns\n"
			"  \\q, .quit, Ctrl-D         leave\n"
			"  Ctrl-C                    stop the statement, drop the line",
	};

	signal(SIGPIPE, SIG_IGN);
	shell->refresh = true;
	greet(shell);
	return cli_prompt(&options, err);
}

static int read_standard_input(struct buf *sql, struct err *err)
{
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf_reserve(sql, 64 << 10), 64 << 10)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set_errno(err, errno, "cannot read standard input");
		sql->n += (size_t)n;
		if (sql->n > SQL_BYTES_MAX)
			return err_set(err, ERR_INPUT, "more than %zu bytes of SQL", SQL_BYTES_MAX);
	}
	return 0;
}

/* Opens the session over the locations, or the bucket folder that this host records into. */
static int open_session(
	const struct settings *settings, struct query_session **ret_session, struct err *err)
{
	_cleanup_free_ char *bucket = settings->from_count ? NULL : cli_default_query_bucket();
	const char *default_from = bucket;
	struct query_options options = {
		.locations = settings->from_count ? settings->from : &default_from,
		.locations_count = settings->from_count ? settings->from_count : 1,
		.headerless = settings->format.count ? &settings->format : NULL,
		.strict = settings->strict,
		.threads = settings->threads,
		.memory_limit = settings->memory_limit,
		.cache_folder = settings->cache,
		.cache_limit = settings->cache_limit ? settings->cache_limit : CACHE_BYTES,
		.s3 = settings->s3,
	};

	_cleanup_free_ char *cache = NULL;
	if (settings->cache && !*settings->cache) {
		options.cache_folder = cache = cli_cache_folder();
		if (!cache) {
			err_set(err, ERR_USAGE, "there is no home folder for a cache");
			return err_hint(err, "--cache=FOLDER names one");
		}
	}
	if (query_session_open(ret_session, &options, err) == 0)
		return 0;
	if (bucket && err && err->code == ERR_NOT_FOUND) {
		err->hint[0] = '\0';
		err_hint(err,
			"'nagare up' and 'nagare run' write there; --from names another location");
	}
	return -1;
}

/* Options that are about reading files here and now. */
static bool wants_files(const struct settings *settings)
{
	return settings->from_count || settings->format.count || settings->strict ||
	       settings->threads || settings->memory_limit || settings->cache;
}

/* Does the server of this host answer? Its profile stays when it ends. */
static bool answers(struct cli_remote *remote)
{
	json_t *answer = NULL;
	const struct cli_remote_json call = {.service = "athena",
		.target = "AmazonAthena",
		.operation = "ListWorkGroups",
		.is_idempotent = true};

	int r = cli_remote_call_json(remote, &call, json_object(), &answer, NULL);
	json_decref(answer);
	return r == 0 || !remote->is_silent;
}

/* 1: remote is open and is to be asked; 0: the files are. */
static int find_server(const struct settings *settings, struct cli_remote *remote, struct err *err)
{
	bool is_local;

	*remote = (struct cli_remote){.endpoint = settings->s3.endpoint,
		.profile = settings->s3.profile,
		.region = settings->s3.region,
		.folder = settings->data_folder};
	if (settings->data_folder && wants_files(settings)) {
		err_set(err, ERR_USAGE, "--data-dir is about a server's tables");
		return err_hint(err, "--from and what is about reading files go without it");
	}
	if (wants_files(settings) || !cli_remote_is_known(remote, &is_local))
		return 0;
	remote->attempts = is_local ? 1 : 0;
	if (cli_remote_open(remote, err) < 0)
		return -1;
	if (!is_local || answers(remote))
		return 1;
	cli_warn("no server answers for %s: the objects in its bucket folder are read instead",
		remote->file);
	return 0;
}

static int run_shell(
	const struct settings *settings, struct shell *shell, const char *sql, struct err *err)
{
	shell->output = settings->output;
	shell->stats = settings->stats;
	shell->explain_cost = settings->explain_cost;
	shell->terminal_columns =
		cli_is_terminal(STDOUT_FILENO) ? cli_terminal_columns(STDOUT_FILENO) : 0;
	return sql ? run_batch(shell, str_from(sql), err) : run_prompt(shell, err);
}

static int run_with(struct settings *settings, const char *sql, struct err *err)
{
	_cleanup_(query_session_closep) struct query_session *session = NULL;
	_cleanup_(query_server_freep) struct query_server *server = NULL;
	_cleanup_(cli_remote_close) struct cli_remote remote;
	_cleanup_buf_ struct buf input = {0};

	int found = find_server(settings, &remote, err);
	if (found < 0)
		return -1;
	setlocale(LC_CTYPE, "");
	if (!sql && !isatty(STDIN_FILENO)) {
		if (read_standard_input(&input, err) < 0)
			return -1;
		sql = buf_text(&input);
	}
	if (sql && query_statement_is_empty(str_from(sql)))
		return err_set(err, ERR_USAGE, "there is no SQL to run");
	if (found)
		server = query_server_new(&remote);
	else if (open_session(settings, &session, err) < 0)
		return -1;
	struct shell shell = {.session = session, .server = server};
	return run_shell(settings, &shell, sql, err);
}

static int run(void *settings_, int argc, char **argv, struct err *err)
{
	struct settings *settings = settings_;

	if (argc > 1) {
		err_set(err, ERR_USAGE, "unexpected '%s' behind the SQL", argv[1]);
		return err_hint(err, "the SQL is one argument: put it in quotes");
	}
	return run_with(settings, argc ? argv[0] : NULL, err);
}

const struct cli_command cli_query = {
	.name = "query",
	.operands = "[SQL]",
	.summary = "answer SQL about flow logs",
	.description =
		"Runs SQL over the table vpc_flow_logs, which is made of the flow logs in the given "
		"locations: text (gzip and zstd undone) and Parquet, mixed, with any fields in any order. "
		"Without SQL, statements are read from standard input, or at a prompt when that is "
		"a terminal.\n\n"
		"The columns have the names and types that AWS's documents give them for Athena: "
		"version, account_id, interface_id, srcaddr, dstaddr, srcport, dstport, protocol, "
		"packets, bytes, start, end, action, log_status, and further fields where the logs "
		"have them (DESCRIBE vpc_flow_logs lists them). The names of older documents "
		"(sourceaddress, destinationport, numbytes, ...) work too. A missing value ('-') is "
		"NULL. Times are UTC.\n\n"
		"contains('10.0.0.0/8', srcaddr), also named cidr_contains, tells whether an address, "
		"IPv4 or IPv6, is in a prefix. Conditions that compare a column with constants (=, IN, <, BETWEEN, "
		"cidr_contains, and OR of these) are applied while text is read, before other columns "
		"are looked at.\n\n"
		"Without --from, the tables are those of the nagare server on this host, or of the one "
		"that --endpoint-url, --profile or AWS's environment names: its Data Catalog's, through "
		"its Athena API, in Athena's SQL. "
		"Ctrl-C stops the statement there. Where no server runs, or with an option that is about "
		"reading files (--strict, --format, --cache, --threads, --memory-limit), it is the "
		"objects that this host records.\n\n"
		"With --from the SQL is DuckDB's, all of it: functions such as read_csv and statements such as "
		"COPY ... TO read and write files with the rights of the user who runs this. "
		"Nothing is fetched from the network but from locations s3://BUCKET/PREFIX.\n\n"
		"Of those, keys are listed and objects read only as far as the statement's "
		"conditions on \"end\", start, account_id and region need: AWS's key layouts and file "
		"names say account, region and the five minutes that records end in. (A record starts "
		"at most fifteen minutes before it ends.) Keys come from the environment, the shared "
		"profile files, container or instance, as with AWS's own tools; endpoint and region "
		"too (AWS_ENDPOINT_URL, AWS_REGION). EXPLAIN ANALYZE and --stats say what was listed, "
		"left out and read. Of Parquet objects the columns and row groups that a statement "
		"reads are kept in $TMPDIR or /var/tmp while they are used.\n\n"
		"Lines that are not flow log records are left out and counted on standard error. "
		"Results come as they are computed.",
	.options =
		(const struct cli_option[]){
			{"from", 'f', "LOCATION",
				"A file, a folder with everything below it, a glob ('**' stands for "
				"any folders) or a bucket folder; may be repeated. In folders, files "
				"ending in .log, .txt, .gz, .zst and .parquet are taken. s3://BUCKET/PREFIX "
				"is what lies at an S3 server under that prefix. Default: the tables of "
				"the server, or without one the bucket folder that 'nagare up' or "
				"'nagare run' writes to.",
				set_from},
			{"output", 'o', "FORM",
				"table (the default), csv, tsv, json (one array) or jsonl (one object a "
				"line).",
				set_output},
			{"data-dir", 'd', "FOLDER",
				"Ask the server whose data is in this folder. Default: as of 'nagare "
				"server', if it runs.",
				set_data_folder},
			{"explain-cost", 0, NULL,
				"Run nothing: say as a row how many objects and bytes each statement "
				"would read, how many its conditions leave out (pruned: objects, and with "
				"a server partitions), and what Athena would charge for it: whole "
				"megabytes, ten at least, at 5 dollars for a terabyte. Of Parquet Athena "
				"charges for the columns that are used only, at most this.",
				set_explain_cost},
			{"strict", 0, NULL,
				"Fail on the first bad line. Without it, lines that cannot have what a "
				"condition like srcaddr = '10.0.0.1' asks for are passed over: whether they "
				"are bad is not looked at.",
				set_strict},
			{"format", 0, "FORMAT",
				"Fields of text files without a header line, as '${version} ${vpc-id} "
				"...'; the version 2 default when not given.",
				set_format},
			{"stats", 0, NULL,
				"After each statement say on standard error what it took: objects listed, "
				"left out by their keys (pruned) and read; bytes; lines, bad lines, and "
				"lines that conditions applied while reading let through. Of a server's "
				"tables: bytes scanned.",
				set_stats},
			{"cache", 0, "[=FOLDER]",
				"Keep what is read from text as sorted Parquet in this folder (by default "
				"~/.cache/nagare), so that later statements over the same objects run at "
				"Parquet's speed, and objects at a server are not read again. The first "
				"statement that meets an object takes the time to convert it. Damaged "
				"entries are noticed and made again.",
				set_cache},
			{"cache-size", 0, "SIZE",
				"The cache's most bytes, 20G by default; what was not used for longest "
				"goes first.",
				set_cache_size},
			{"threads", 0, "N", "Threads to use; all cores by default.", set_threads},
			{"memory-limit", 0, "SIZE",
				"Memory for the SQL engine, as 4G; 80 % of the machine's by default. "
				"What does not fit goes to $TMPDIR or /var/tmp.",
				set_memory_limit},
			CLI_S3_OPTIONS("; without --from, the server to ask"),
			{NULL},
		},
	.examples =
		(const struct cli_example[]){
			{"nagare query \"SELECT srcaddr, COUNT(*) AS rejects FROM vpc_flow_logs WHERE "
			 "action = 'REJECT' GROUP BY srcaddr ORDER BY rejects DESC LIMIT 10\"",
				"Who is refused most, in what this machine recorded:"},
			{"nagare query --from ./AWSLogs -o csv \"SELECT dstport, SUM(bytes) FROM "
			 "vpc_flow_logs GROUP BY dstport\" > ports.csv",
				"Bytes by port, from a copy of a bucket:"},
			{"nagare query --explain-cost \"SELECT srcaddr FROM vpc_flow_logs WHERE year = "
			 "'2026' AND month = '11'\"",
				"What a statement over the server's tables would read, and cost at AWS:"},
			{"nagare query --from ./AWSLogs \"COPY (FROM vpc_flow_logs ORDER BY srcaddr) TO "
			 "'flows.parquet'\"",
				"All of it as one sorted Parquet file:"},
			{"nagare query --from s3://my-bucket/AWSLogs \"SELECT srcaddr, SUM(bytes) FROM "
			 "vpc_flow_logs WHERE to_timestamp(end) BETWEEN '2026-11-25 10:00:00' AND "
			 "'2026-11-25 10:59:59' GROUP BY srcaddr\"",
				"One hour of a bucket at AWS; only that hour's objects are read:"},
			{NULL},
		},
	.settings_size = sizeof(struct settings),
	.run = run,
};
