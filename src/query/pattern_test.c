/* Patterns and messages are those of AWS's guide ("Filter pattern syntax ...", "Using filter
 * patterns to match terms ..." and the flow log examples of the VPC guide); regular expressions are
 * compared with PCRE2. */
#include "query/pattern_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

static bool matches(const char *pattern, const char *message)
{
	_cleanup_(query_pattern_freep) struct query_pattern *compiled = NULL;
	struct err err = ERR_INIT;

	if (query_pattern_new(&compiled, str_from(pattern), &err) < 0)
		fail_msg("%s: %s", pattern, err.message);
	return query_pattern_matches(compiled, str_from(message));
}

/* Which of the messages match, as a text of 0 and 1. */
static void check_all(const char *pattern, const char *const *messages, const char *expected)
{
	for (size_t i = 0; messages[i]; i++) {
		if (matches(pattern, messages[i]) != (expected[i] == '1'))
			fail_msg("%s: expected %c for: %s", pattern, expected[i], messages[i]);
	}
}

static void test_terms(void **state)
{
	static const char *const messages[] = {
		"[ERROR 400] BAD REQUEST",
		"[ERROR 401] UNAUTHORIZED REQUEST",
		"[ERROR 419] MISSING ARGUMENTS",
		"[ERROR 420] INVALID ARGUMENTS",
		"[WARN 500] INTERNAL SERVER ERROR",
		"[INFO] all is well",
		NULL,
	};

	check_all("", messages, "111111");
	check_all("  ", messages, "111111");
	check_all("ERROR", messages, "111110");
	check_all("error", messages, "000000");
	check_all("ERROR ARGUMENTS", messages, "001100");
	check_all("\"INTERNAL SERVER ERROR\"", messages, "000010");
	check_all("\"SERVER INTERNAL\"", messages, "000000");
	check_all("?ERROR ?INFO", messages, "111111");
	check_all("?UNAUTHORIZED ?MISSING", messages, "011000");
	check_all("ERROR -ARGUMENTS", messages, "110010");
	check_all("-ERROR", messages, "000001");
	check_all("-\"BAD REQUEST\" REQUEST", messages, "010000");
	/* Beside others '?' terms do not count. */
	check_all("?MISSING ERROR", messages, "111110");
	check_all("%4[12][0-9]%", messages, "001100");
	check_all("%^.ERROR 4.0%", messages, "100100");
	check_all("ERROR -%ARGUMENTS$%", messages, "110010");
	check_all("\"[ERROR 400]\"", messages, "100000");
}

static void test_json(void **state)
{
	static const char event[] =
		"{\"eventType\":\"UpdateTrail\",\"sourceIPAddress\":\"111.111.111.111\","
		"\"arrayKey\":[\"value\",\"another value\"],"
		"\"objectList\":[{\"name\":\"a\",\"id\":1},{\"name\":\"b\",\"id\":2}],"
		"\"SomeObject\":null,\"cluster.name\":\"c\",\"ThisFlag\":true,"
		"\"user\":{\"id\":1,\"email\":\"John.Stiles@example.com\"},"
		"\"users\":[{\"id\":2,\"email\":\"John.Doe@example.com\"},"
		"{\"id\":3,\"email\":\"Jane.Doe@example.com\"}],"
		"\"actions\":[\"GET\",\"PUT\",\"DELETE\"],\"coordinates\":[[0,1,2],[4,5,6]],"
		"\"bandwidth\":75,\"rate\":2.5e-1,\"path\":\"C:\\\\logs \\u00e9\"}";
	static const char *const yes[] = {
		"{ $.eventType = \"UpdateTrail\" }",
		"{$.eventType=UpdateTrail}",
		"{ $.eventType = \"Update*\" }",
		"{ $.sourceIPAddress != 123.123.* }",
		"{ $.sourceIPAddress = 111.111.* }",
		"{ $.sourceIPAddress = %^1{3}\\.% }",
		"{ $.arrayKey[0] = \"value\" }",
		"{ $.arrayKey[*] = \"another value\" }",
		"{ $.objectList[1].id = 2 }",
		"{ $.SomeObject IS NULL }",
		"{ $.SomeOtherObject NOT EXISTS }",
		"{ $.ThisFlag IS TRUE }",
		"{ $.['cluster.name'] = \"c\" }",
		"{ $.bandwidth > 50 && $.bandwidth <= 75 }",
		"{ $.bandwidth = 7.5E1 }",
		"{ $.rate = 0.25 }",
		"{ ($.user.id = 1) && ($.users[0].email = \"John.Doe@example.com\") }",
		"{ ($.user.id = 9 && $.users[0].email = \"nonmatch\") || $.actions[2] = \"DELETE\" }",
		"{ $.user.email = John* || $.coordinates[0][1] = x && $.actions[2] = y }",
		"{ $.coordinates[1][2] = 6 }",
		"{ $.users[*].email = \"Jane*\" }",
		"{ $.user.* = 1 }",
		"{ $.path = \"C:\\\\logs \xc3\xa9\" }",
	};
	static const char *const no[] = {
		"{ $.eventType = \"updateTrail\" }",
		"{ $.sourceIPAddress != 111.111.* }",
		"{ $.arrayKey = \"value\" }",
		"{ $.user = * }",
		"{ $.missing != 1 }",
		"{ $.SomeObject NOT EXISTS }",
		"{ $.eventType IS NULL }",
		"{ $.ThisFlag IS FALSE }",
		"{ $.bandwidth < 75 }",
		"{ $.eventType > 1 }",
		"{ $.actions[3] = \"*\" }",
		"{ $.bandwidth > 50 && $.rate > 50 }",
	};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (!matches(yes[i], event))
			fail_msg("does not match: %s", yes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
		if (matches(no[i], event))
			fail_msg("matches: %s", no[i]);
	}
	assert_false(matches("{ $.a = 1 }", "a = 1"));
	assert_false(matches("{ $.a = 1 }", "{\"a\": 1"));
	assert_false(matches("{ $.a NOT EXISTS }", "no JSON"));
}

static void test_words(void **state)
{
	static const char *const messages[] = {
		"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] \"GET /index.html HTTP/1.0\" 404 1534",
		"127.0.0.1 Prod frank [10/Oct/2000:13:35:22 -0700] \"GET /logo.gif HTTP/1.0\" 500 50324",
		"127.0.0.2 Dev john [10/Oct/2000:13:36:22 -0700] \"GET /a.html HTTP/1.0\" 200 4",
		"127.0.0.2 Dev john",
		NULL,
	};

	check_all("[ip, server, username, timestamp, request, status_code, bytes > 1000]", messages,
		"1100");
	check_all("[ip, server, username, timestamp, request, status_code = 4*, bytes]", messages,
		"1000");
	check_all("[ip, server, username, timestamp, request =*.html*, status_code = 4*, bytes]",
		messages, "1000");
	check_all("[ip, server, username, timestamp, request =*.html*, status_code, bytes]",
		messages, "1010");
	check_all("[ip, server, user, timestamp, request, status = 404 || status = 500, bytes]",
		messages, "1100");
	check_all("[ip, server, user, timestamp, request, status != 404 && status != 500, bytes]",
		messages, "0010");
	check_all("[..., status_code = 200, bytes]", messages, "0010");
	check_all("[ip = %127\\.0\\.0\\.[1]%, ...]", messages, "1100");
	check_all("[ip, server, user = john, ...]", messages, "0011");
	check_all("[ip, server, user = john]", messages, "0001");
	check_all("[ip, server, user]", messages, "1111");
	check_all("[]", messages, "1111");
	check_all(" [ ] ", messages, "1111");
	check_all("[a, b, c, when = \"10/Oct/2000:13:25:15 -0700\", ...]", messages, "1000");
	check_all(
		"[a, b, c, d, (e = *.html* || e = *.gif*) && e != *logo*, f, g]", messages, "1010");
}

static void test_flow_logs(void **state)
{
	static const char *const messages[] = {
		"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
		"2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 22 6 20 4249 1418530010 1418530070 REJECT OK",
		"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
		"2 123456789010 eni-1235b8ca123456789 10.0.2.103 10.0.0.220 39812 8080 6 8 50 1439387263 1439387266 ACCEPT OK",
		NULL,
	};

	check_all(
		"[version, account, eni, source, destination, srcport, destport=\"22\", protocol=\"6\", packets, bytes, windowstart, windowend, action=\"REJECT\", flowlogstatus]",
		messages, "0100");
	check_all(
		"[version, account, eni, source, dest, srcport, dstport=22, protocol, packets > 10, bytes, start, end, action=\"REJECT\", status]",
		messages, "0100");
	check_all(
		"[version, accountid, interfaceid, srcaddr = 10.0.2.*, dstaddr, srcport, dstport = 80 || dstport = 8080, ...]",
		messages, "0001");
	check_all(
		"[version, accountid, interfaceid, srcaddr, dstaddr, srcport, dstport, protocol, packets, bytes, start, end, action, logstatus]",
		messages, "1111");
	check_all(
		"[v, a, i, s, d, sp, dp, pr, packets, bytes >= 400, start, end, action = REJECT, status]",
		messages, "0100");
	check_all("[v, a, i, s, d, sp, dp, pr, packets, bytes < 400, ...]", messages, "0001");
	check_all("[..., status = NODATA]", messages, "0010");
	check_all("REJECT", messages, "0100");
	check_all("ACCEPT -8080", messages, "1000");
}

static void test_refused(void **state)
{
	static const struct {
		const char *pattern, *position, *expected;
	} refused[] = {
		{"\"no end", "position 8", "'\"'"},
		{"{ $.a = }", "position 9", "a value"},
		{"{ $.a ~ 1 }", "position 7", "an operator"},
		{"{ $.a = 1", "position 10", "'}'"},
		{"{ $.a = 1 } x", "position 13", "the end"},
		{"{ a = 1 }", "position 3", "a selector"},
		{"{ $.a > b }", "position 9", "a number"},
		{"{ $.a IS NOT NULL }", "position 10", "NULL, TRUE or FALSE"},
		{"{ $ = 1 }", "position 4", "a property"},
		{"{ $.*.* = 1 }", "position 8", "one wildcard"},
		{"[a, b", "position 6", "an operator"},
		{"[a, b = 1", "position 10", "',' or ']'"},
		{"[a,,b]", "position 4", "a name"},
		{"[a = 1 && b = 2]", "position 11", "the name of this word"},
		{"[..., a, ...]", "position 13", "one ellipsis"},
		{"%(a)%", "position 2", "parentheses"},
		{"%a{300}%", "position 8", "256"},
		{"%[a-]{200}b{256}c{256}%", "position", "too large"},
		{"%a% %b% %c%", "position", "2 regular expressions"},
		{"%a", "position 3", "'%'"},
		{"%a^%", "position 3", "'^'"},
		{"%[b-a]%", "position", "range"},
		{"%\\q%", "position", "behind '\\'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct query_pattern *pattern = NULL;
		struct err err = ERR_INIT;

		if (query_pattern_new(&pattern, str_from(refused[i].pattern), &err) == 0)
			fail_msg("accepted: %s", refused[i].pattern);
		assert_int_equal(err.code, ERR_USAGE);
		if (!strstr(err.message, refused[i].position) ||
			!strstr(err.message, refused[i].expected))
			fail_msg("%s: %s", refused[i].pattern, err.message);
	}
}

static void on_value(void *context, struct str name, struct str value)
{
	buf_printf(context, "%.*s=%.*s\n", STR_ARG(name), STR_ARG(value));
}

static void check_extracted(const char *pattern, const char *message, const char *expected)
{
	_cleanup_(query_pattern_freep) struct query_pattern *compiled = NULL;
	_cleanup_buf_ struct buf found = {0};
	struct err err = ERR_INIT;

	assert_int_equal(query_pattern_new(&compiled, str_from(pattern), &err), 0);
	assert_true(query_pattern_extract(compiled, str_from(message), on_value, &found));
	assert_string_equal(buf_text(&found), expected);
}

/* The example of TestMetricFilter in the CloudWatch Logs guide. */
static void test_extracted(void **state)
{
	check_extracted("[ip, identity, user_id, timestamp, request, status_code, size]",
		"127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] \"GET /apache_pb.gif HTTP/1.0\" 200 1534",
		"$ip=127.0.0.1\n$identity=-\n$user_id=frank\n$timestamp=10/Oct/2000:13:25:15 -0700\n"
		"$request=GET /apache_pb.gif HTTP/1.0\n$status_code=200\n$size=1534\n");
	check_extracted(
		"[ip, ..., size = 1*]", "10.0.0.1 a b 15", "$ip=10.0.0.1\n$2=a\n$3=b\n$size=15\n");
	check_extracted("{ $.a.b > 1 && $.c[*] = x* && $.a.b < 9 }",
		"{\"a\":{\"b\":5},\"c\":[\"y\",\"x1\"]}", "$.a.b=5\n$.c[*]=y\n");
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(*seed >> 33);
}

static void random_regex(uint64_t *seed, struct buf *regex)
{
	static const char *const atoms[] = {
		"a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w", "1", "[a-c1]"};
	static const char *const quantifiers[] = {
		"", "", "", "?", "*", "+", "{2}", "{1,3}", "{2,}"};
	unsigned branches = 1 + next_random(seed) % 3;

	for (unsigned i = 0; i < branches; i++) {
		if (i)
			buf_add_char(regex, '|');
		if (next_random(seed) % 4 == 0)
			buf_add_char(regex, '^');
		for (unsigned n = 1 + next_random(seed) % 6; n; n--) {
			buf_add_text(regex, atoms[next_random(seed) % ARRAY_SIZE(atoms)]);
			buf_add_text(
				regex, quantifiers[next_random(seed) % ARRAY_SIZE(quantifiers)]);
		}
		if (next_random(seed) % 4 == 0)
			buf_add_char(regex, '$');
	}
}

static const char *find_slowly(const char *p, size_t n, const char *wanted, size_t size)
{
	for (size_t i = 0; i + size <= n; i++) {
		size_t j = 0;
		while (j < size && (!wanted[j] || wanted[j] == p[i + j]))
			j++;
		if (j == size)
			return p + i;
	}
	return NULL;
}

static void check_regex(uint64_t *seed, pcre2_match_data *data)
{
	_cleanup_buf_ struct buf text = {0};
	struct err err = ERR_INIT;
	PCRE2_SIZE offset;
	int code;

	random_regex(seed, &text);
	struct pattern_regex *regex = pattern_regex_new(buf_str(&text), 0, &err);
	if (!regex)
		fail_msg("%s: %s", buf_text(&text), err.message);
	pcre2_code *other = pcre2_compile(
		(PCRE2_SPTR)text.p, text.n, PCRE2_DOLLAR_ENDONLY, &code, &offset, NULL);
	assert_non_null(other);
	for (unsigned i = 0; i < 20; i++) {
		char subject[12];
		size_t n = next_random(seed) % sizeof(subject);
		for (size_t at = 0; at < n; at++)
			subject[at] = "aabbcd1 "[next_random(seed) % 8];
		bool expected = pcre2_match(other, (PCRE2_SPTR)subject, n, 0, 0, data, NULL) >= 0;
		struct str literal = pattern_regex_literal(regex);
		if (pattern_regex_matches(regex, (struct str){subject, n}) != expected)
			fail_msg("%s: expected %d for '%.*s'", buf_text(&text), expected, (int)n,
				subject);
		if (expected && literal.n && !find_slowly(subject, n, literal.p, literal.n))
			fail_msg("%s: '%.*s' is not in '%.*s'", buf_text(&text), STR_ARG(literal),
				(int)n, subject);
	}
	pcre2_code_free(other);
	pattern_regex_free(regex);
}

static void test_regex(void **state)
{
	pcre2_match_data *data = pcre2_match_data_create(4, NULL);
	uint64_t seed = 7;

	for (unsigned i = 0; i < 20000; i++)
		check_regex(&seed, data);
	pcre2_match_data_free(data);
}

/* Time in proportion to the message, where trying out would take for ever. */
static void test_explosion(void **state)
{
	_cleanup_buf_ struct buf message = {0};

	for (unsigned i = 0; i < 200000; i++)
		buf_add_char(&message, 'a');
	assert_false(matches("%a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b%", buf_text(&message)));
	assert_false(matches("[a = *a*a*a*a*a*a*a*a*b]", buf_text(&message)));
}

static void test_select(void **state)
{
	static const char *const patterns[] = {"b", "-b", "%b+c%", "%a.c%", "%b[bc ]{2}1%",
		"%b[bc]{1,3}1a?c%", "%a\\x00b%", "[x = *b*, ...]", "[x, y = 1]", ""};
	uint64_t seed = 3;

	for (size_t p = 0; p < ARRAY_SIZE(patterns); p++) {
		_cleanup_(query_pattern_freep) struct query_pattern *pattern = NULL;
		_cleanup_buf_ struct buf block = {0};
		uint32_t starts[301];
		uint64_t bits[5];
		size_t found = 0;

		assert_int_equal(query_pattern_new(&pattern, str_from(patterns[p]), NULL), 0);
		for (unsigned i = 0; i < 300; i++) {
			starts[i] = (uint32_t)block.n;
			for (unsigned n = next_random(&seed) % 9; n; n--)
				buf_add_char(&block, "abc 1"[next_random(&seed) % 5]);
			buf_add_char(&block, '\n');
		}
		starts[300] = (uint32_t)block.n;
		size_t selected = query_pattern_select(pattern, block.p, starts, 300, 1, bits);
		for (unsigned i = 0; i < 300; i++) {
			bool expected = query_pattern_matches(pattern,
				(struct str){block.p + starts[i], starts[i + 1] - starts[i] - 1});
			assert_int_equal(bits[i / 64] >> i % 64 & 1, expected);
			found += expected;
		}
		assert_int_equal(selected, found);
	}
}

/* All finders against the C library, texts of all lengths at all places up to the block's end. */
static void test_find(void **state)
{
	static const char block[] =
		"2 1234 eni-0a1b 10.0.7.7 10.0.7.77 22 443 REJECT OK\n2 1234 eni-0a1b 10.0.7.7 ACCEPT OK";
	uint64_t seed = 11;
	size_t count;
	const struct pattern_finder *finders = pattern_finders(&count);

	assert_true(count >= 1);
	for (unsigned round = 0; round < 20000; round++) {
		_cleanup_buf_ struct buf text = {0};
		for (unsigned n = next_random(&seed) % 8; n; n--)
			buf_add_text(&text, block + next_random(&seed) % (sizeof(block) - 1));
		buf_add_char(&text, 'x');
		size_t n = 2 + next_random(&seed) % 20, at = next_random(&seed) % sizeof(block);
		char wanted[32];
		if (at + n > sizeof(block) - 1)
			continue;
		memcpy(wanted, block + at, n);
		wanted[next_random(&seed) % n] ^= next_random(&seed) % 3 == 0;
		struct pattern_needle needle;
		pattern_needle_init(&needle, (struct str){wanted, n});
		/* A copy of its own size, so that a sanitizer sees what is read behind it. */
		char *copy = mem_new(text.n, 1);
		memcpy(copy, text.p, text.n);
		const char *expected = memmem(copy, text.n, wanted, n);
		if (n > 4 && round % 2) {
			wanted[2] = '\0';
			pattern_needle_init(&needle, (struct str){wanted, n});
			expected = find_slowly(copy, text.n, wanted, n);
		}
		for (size_t i = 0; i < count; i++)
			if (n <= text.n)
				assert_ptr_equal(finders[i].find(&needle, copy, text.n), expected);
		assert_ptr_equal(pattern_find(&needle, copy, text.n), expected);
		free(copy);
	}
}

/* Lines of the usual kind and others are taken apart alike. */
static void test_usual_words(void **state)
{
	static const struct {
		const char *line;
		bool is_match;
	} lines[] = {
		{"a 5 c d", true},
		{"a 5 c", true},
		{"a  5 c", true},
		{" a 5 c", true},
		{"a 5 c\n", true},
		{"a 5 c ", true},
		{"a 5", false},
		{"a 4 c", false},
		{"[a 4] 5 c", true},
		{"\"a b\" 5 c", true},
		{"a 5.0 c", true},
		{"a +5 c", true},
		{"a 05 c", true},
		{"a 5x c", false},
		{"a - c", false},
		{"a 99999999999999999999 c", false},
		{"0123456789012345678901234567890123456789012345678901234567890123 5 c", true},
		{"012345678901234567890123456789012345678901234567890123456789012 5 c", true},
		{"012345678901234567890123456789012345678901234567890123456789012  5 c", true},
		{"01234567890123456789012345678901234567890123456789012345678901 5 c", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (matches("[x, y = 5, z]", lines[i].line) != lines[i].is_match)
			fail_msg("%s", lines[i].line);
	assert_true(matches("[x, y > 4, ..., z = e*]", "a 5 b c d e1"));
	assert_false(matches("[x, y = 5, z = c]", "a 5 c d"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_flow_logs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_extracted),
		cmocka_unit_test(test_regex),
		cmocka_unit_test(test_explosion),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_usual_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
