/* A search of the store finds what looking at every message finds, whatever it left unread: lines
 * of flow logs and such as are nearly that, in chunks with columns and without, against patterns
 * made of their parts. */
#include "api/logs/logs_priv.h"
#include "store/events_test_help.h"

#include <string.h>

enum { LINES = 700, FAMILIES = 10, ROUNDS = 1500 };

/* The same on every run. */
static uint64_t random_state;

static unsigned random_below(unsigned n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(random_state >> 33) % n;
}

static const char *one_of(const char *const *texts, size_t count)
{
	return texts[random_below((unsigned)count)];
}
#define ONE_OF(...)                                                                                \
	one_of((const char *const[]){__VA_ARGS__},                                                 \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- lines ---- */

static void add_address(struct buf *line, unsigned family)
{
	switch (family == 2 ? random_below(6) : 0) {
	case 1:
		buf_printf(line, "010.0.0.%u", random_below(9));
		break;
	case 2:
		buf_printf(line, "10.0.0");
		break;
	case 3:
		buf_printf(line, "256.1.1.%u", random_below(300));
		break;
	case 4:
		buf_printf(line, "2001:db8::%x", random_below(70000));
		break;
	default:
		buf_printf(line, "%u.%u.%u.%u", random_below(3) ? 10 : random_below(256),
			random_below(4) ? 0 : random_below(256), random_below(20),
			random_below(256));
	}
}

static void add_number(struct buf *line, unsigned family, unsigned below)
{
	if (family == 3 && random_below(4) == 0)
		buf_printf(line, "%s%u", ONE_OF("0", "00", "+", "-", "1e", "0x"), random_below(99));
	else if (family == 4 && random_below(3) == 0)
		buf_printf(line, "123456789012345%u", random_below(99999));
	else
		buf_printf(line, "%u", random_below(below));
}

/* Of a flow log without data. */
static void add_nothing(struct buf *line)
{
	buf_printf(line, "2 123456789012 eni-%u - - - - - - - %u %u - NODATA", random_below(3),
		1795576800 + random_below(100), 1795576900);
}

static void add_flow(struct buf *line, unsigned family)
{
	if (random_below(9) == 0 && family == 1) {
		add_nothing(line);
		return;
	}
	buf_printf(line, "%s %s ", family == 8 ? "[2]" : "2", "123456789012");
	buf_printf(line, family == 5 ? "eni-0%08x " : "eni-%u ",
		family == 5 ? random_below(UINT32_MAX) : random_below(3));
	add_address(line, family);
	buf_add_char(line, ' ');
	add_address(line, family);
	buf_add_char(line, ' ');
	add_number(line, family, 65536);
	buf_printf(line, " %s %s ", ONE_OF("22", "443", "53", "80", "5432"), ONE_OF("6", "17"));
	add_number(line, family, 2000);
	buf_add_char(line, ' ');
	add_number(line, family, 3000000);
	buf_printf(line, " %u %u %s %s", 1795576800 + random_below(60),
		1795576860 + random_below(9), ONE_OF("ACCEPT", "ACCEPT", "REJECT"),
		family == 9 ? "\"OK\"" : "OK");
	if (family == 6 && random_below(50) == 0)
		buf_add_text(line, ONE_OF(" ", "\n", " more", "\r"));
	if (family == 7 && random_below(2))
		buf_add_char(line, '\n');
}

struct lines {
	struct buf texts[FAMILIES * LINES];
	size_t count;
};

static void put_lines(struct place *place, struct lines *lines)
{
	for (unsigned family = 0; family < FAMILIES; family++) {
		char name[16];
		struct store_log_event events[LINES];
		int n = snprintf(name, sizeof(name), "f%u", family);
		const struct str stream = {name, (size_t)n};
		assert_int_equal(
			store_log_stream_create(place->events, STR("g"), stream, NULL, NULL), 0);
		for (size_t i = 0; i < LINES; i++) {
			struct buf *line = &lines->texts[lines->count++];
			add_flow(line, family);
			events[i] = (struct store_log_event){
				place->now + (int64_t)i * 3, buf_str(line)};
		}
		const struct store_log_put put = {.group = STR("g"),
			.stream = stream,
			.events = events,
			.count = LINES,
			.now_ms = place->now};
		assert_int_equal(store_log_put(place->events, &put, NULL, NULL), 0);
	}
}

/* ---- patterns ---- */

/* A part of a line, often words, in quotes. */
static void add_part(struct buf *pattern, struct str line)
{
	size_t n = 1 + random_below(random_below(3) ? 12 : 40);
	size_t at = random_below((unsigned)line.n);

	if (random_below(3) == 0)
		while (at && line.p[at - 1] != ' ')
			at--;
	n = n < line.n - at ? n : line.n - at;
	buf_add_char(pattern, '"');
	for (size_t i = at; i < at + n; i++)
		if (line.p[i] != '"' && line.p[i] != '\n' && line.p[i] != '\r')
			buf_add_char(pattern, line.p[i]);
	if (random_below(12) == 0)
		buf_add_char(pattern, (char)('0' + random_below(10)));
	buf_add_char(pattern, '"');
}

static struct str line_of(const struct lines *lines)
{
	return buf_str(&lines->texts[random_below((unsigned)lines->count)]);
}

static void make_terms(struct buf *pattern, const struct lines *lines)
{
	struct str line = line_of(lines);
	unsigned count = 1 + random_below(3);
	bool is_any = random_below(4) == 0;

	for (unsigned i = 0; i < count; i++) {
		buf_add_text(pattern, i ? " " : "");
		if (is_any || random_below(9) == 0)
			buf_add_char(pattern, '?');
		else if (random_below(9) == 0)
			buf_add_char(pattern, '-');
		add_part(pattern, random_below(4) ? line : line_of(lines));
	}
	if (random_below(12) == 0)
		buf_add_text(
			pattern, ONE_OF(" %REJECT%", " %10.0%", " %[0-9] ACCEPT OK%", " %^2 1%"));
}

static void add_text(struct buf *pattern, struct str word)
{
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] != '"' && word.p[i] != '\n' && word.p[i] != '\r' &&
			word.p[i] != '[' && word.p[i] != ']')
			buf_add_char(pattern, word.p[i]);
}

static void add_value(struct buf *pattern, struct str word)
{
	size_t cut = random_below((unsigned)word.n + 1);
	struct str begin = {word.p, cut}, end = {word.p + cut, word.n - cut};

	buf_add_text(pattern,
		random_below(8) ? ONE_OF("=", "=", "=", "!=") : ONE_OF("<", ">", "<=", ">="));
	switch (random_below(7)) {
	case 0:
		buf_add_char(pattern, '"');
		add_text(pattern, word);
		buf_add_char(pattern, '"');
		break;
	case 1:
		add_text(pattern, begin);
		buf_add_char(pattern, '*');
		break;
	case 2:
		buf_add_char(pattern, '*');
		add_text(pattern, end);
		break;
	case 3:
		add_text(pattern, begin);
		buf_add_text(pattern, random_below(2) ? "*" : "*.*");
		add_text(pattern, end);
		break;
	case 4:
		buf_printf(pattern, "%u%s", random_below(random_below(2) ? 100 : 70000),
			ONE_OF("", "", "", ".5", "e2"));
		break;
	default:
		add_text(pattern, word);
	}
}

static void add_word(struct buf *pattern, unsigned i, struct str word, struct str other)
{
	static const char *const between[] = {" && ", " || "};

	buf_printf(pattern, "w%u", i);
	if (random_below(4))
		return;
	add_value(pattern, word);
	for (unsigned more = random_below(4); more > 2; more--) {
		buf_printf(pattern, "%sw%u", between[random_below(2)], i);
		add_value(pattern, other);
	}
}

static void make_words(struct buf *pattern, const struct lines *lines)
{
	struct str rest = line_of(lines), others = line_of(lines), word, other = {NULL, 0};
	unsigned i = 0, gap = random_below(5) ? UINT32_MAX : random_below(10);

	buf_add_char(pattern, '[');
	while (str_split(&rest, ' ', &word)) {
		if (!str_split(&others, ' ', &other) || !other.n)
			other = word;
		i++;
		if (i == gap) {
			buf_add_text(pattern, i > 1 ? ", ..." : "...");
			for (unsigned skip = random_below(4); skip && str_split(&rest, ' ', &word);)
				skip--;
			continue;
		}
		buf_add_text(pattern, i > 1 ? ", " : "");
		add_word(pattern, i, word, other);
		if (random_below(60) == 0)
			break;
	}
	buf_add_char(pattern, ']');
}

/* ---- searches ---- */

static atomic_size_t ruled_out, asked;
static struct store_log_matcher real;

static bool narrow(void *context, struct store_log_columns *columns, size_t count, uint64_t *bits)
{
	bool result = real.narrow(context, columns, count, bits);

	asked++;
	for (size_t i = 0; result && i < count; i++)
		ruled_out += !(bits[i / 64] >> i % 64 & 1);
	return result;
}

struct seen {
	const struct query_pattern *pattern;
	size_t count;
	bool is_good;
};

static bool see(void *context, const struct store_log_found *event)
{
	struct seen *seen = context;

	seen->count++;
	seen->is_good &= query_pattern_matches(seen->pattern, event->message);
	return true;
}

static size_t search(
	struct place *place, const struct query_pattern *pattern, bool is_backward, bool *ret_good)
{
	real = logs_matcher(pattern);
	struct store_log_matcher matcher = real;
	matcher.narrow = narrow;
	struct store_log_position position, from;
	struct store_log_read read = {.group = STR("g"),
		.end_ms = INT64_MAX,
		.is_backward = is_backward,
		.matcher = &matcher,
		.scan_max = random_below(4) ? 0 : 40000};
	struct seen seen = {.pattern = pattern, .is_good = true};
	bool is_complete = false;

	/* Page by page. */
	while (!is_complete) {
		assert_int_equal(store_log_read(place->events, &read, see, &seen, &position,
					 &is_complete, NULL, NULL),
			0);
		from = position;
		read.from = &from;
	}
	*ret_good = seen.is_good;
	return seen.count;
}

static void check(struct place *place, const struct lines *lines, struct str text)
{
	_cleanup_(query_pattern_freep) struct query_pattern *pattern = NULL;
	struct err err = ERR_INIT;
	size_t wanted = 0;
	bool is_good;

	/* Some of what is made is no pattern. */
	if (query_pattern_new(&pattern, text, &err) < 0)
		return;
	for (size_t i = 0; i < lines->count; i++)
		wanted += query_pattern_matches(pattern, buf_str(&lines->texts[i]));
	size_t found = search(place, pattern, random_below(3) == 0, &is_good);
	if (found != wanted || !is_good)
		fprintf(stderr, "%.*s: %zu found, %zu are there\n", STR_ARG(text), found, wanted);
	assert_int_equal(found, wanted);
	assert_true(is_good);
}

static void run(struct place *place, const struct lines *lines, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		_cleanup_buf_ struct buf pattern = {0};
		if (round % 2)
			make_terms(&pattern, lines);
		else
			make_words(&pattern, lines);
		check(place, lines, buf_str(&pattern));
	}
}

static void test_searches_find_what_is_there(void **state)
{
	struct place *place = *state;
	struct lines *lines = mem_new(1, sizeof(*lines));

	random_state = 7;
	put_lines(place, lines);
	run(place, lines, ROUNDS / 10);
	assert_int_equal(asked, 0);
	seal(place);
	run(place, lines, ROUNDS);
	/* Columns were of use. */
	assert_true(ruled_out > (uint64_t)ROUNDS * lines->count / 4);
	for (size_t i = 0; i < lines->count; i++)
		buf_done(&lines->texts[i]);
	free(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_searches_find_what_is_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
