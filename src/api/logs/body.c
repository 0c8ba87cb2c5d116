/* The body of PutLogEvents, which is nearly all that this service gets to read: a parser for the
 * one form that clients send. It takes an object with logGroupName, logStreamName, logEvents
 * (objects with timestamp and message) and perhaps a sequenceToken, each once, strings of valid
 * UTF-8. For anything else, wrong or only rare, it steps aside: the model's reader reads it, or
 * refuses it in AWS's words. What it accepts it must read as that one does; a fuzz target compares
 * them. */
#include "api/logs/logs_priv.h"

#include <string.h>

struct parser {
	const char *p, *end;
	struct logs_batch *batch;
};

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* A high bit where the byte is a quote, a backslash, a control or not ASCII. Borrows may set bits
 * above a true one, never below. */
static uint64_t special_bytes(uint64_t word)
{
	uint64_t quote = word ^ (ONES * '"'), backslash = word ^ (ONES * '\\');
	uint64_t marks = (quote - ONES) | (backslash - ONES) | (word - ONES * 0x20);

	return (marks | word) & HIGHS;
}

static void skip_space(struct parser *parser)
{
	while (parser->p < parser->end && (*parser->p == ' ' || *parser->p == '\n' ||
						  *parser->p == '\t' || *parser->p == '\r'))
		parser->p++;
}

static bool take_char(struct parser *parser, char c)
{
	skip_space(parser);
	if (parser->p == parser->end || *parser->p != c)
		return false;
	parser->p++;
	return true;
}

/* A character of two to four bytes, in its shortest form, no surrogate. 0: none. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char first, last, second_first, second_last;
		size_t length;
	} forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (*p < forms[i].first || *p > forms[i].last)
			continue;
		if (n < forms[i].length || p[1] < forms[i].second_first ||
			p[1] > forms[i].second_last)
			return 0;
		for (size_t j = 2; j < forms[i].length; j++)
			if (p[j] < 0x80 || p[j] > 0xbf)
				return 0;
		return forms[i].length;
	}
	return 0;
}

/* Behind the quote. Finds the end of the string; *ret_escapes: there are any. */
static bool find_end(struct parser *parser, bool *ret_escapes)
{
	const char *p = parser->p, *end = parser->end;

	*ret_escapes = false;
	for (;;) {
		uint64_t word, marks = 0;
		while (end - p >= 8) {
			memcpy(&word, p, sizeof(word));
			marks = special_bytes(word);
			if (marks)
				break;
			p += 8;
		}
		if (marks)
			p += __builtin_ctzll(marks) / 8;
		if (p == end)
			return false;
		unsigned char c = (unsigned char)*p;
		if (c == '"') {
			parser->p = p;
			return true;
		}
		if (c < 0x20)
			return false;
		if (c == '\\') {
			if (end - p < 2)
				return false;
			*ret_escapes = true;
			p += 2;
		} else if (c >= 0x80) {
			size_t length = utf8_length((const unsigned char *)p, (size_t)(end - p));
			if (!length)
				return false;
			p += length;
		} else {
			p++;
		}
	}
}

static bool parse_hex(const char *p, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		uint32_t digit;
		if (c >= '0' && c <= '9')
			digit = (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
		value = value << 4 | digit;
	}
	*ret_value = value;
	return true;
}

static void add_character(struct buf *texts, uint32_t c)
{
	char bytes[4];
	size_t n = 0;

	if (c < 0x80) {
		bytes[n++] = (char)c;
	} else if (c < 0x800) {
		bytes[n++] = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			bytes[n++] = (char)(0xe0 | c >> 12);
		} else {
			bytes[n++] = (char)(0xf0 | c >> 18);
			bytes[n++] = (char)(0x80 | (c >> 12 & 0x3f));
		}
		bytes[n++] = (char)(0x80 | (c >> 6 & 0x3f));
	}
	if (c >= 0x80)
		bytes[n++] = (char)(0x80 | (c & 0x3f));
	buf_add(texts, bytes, n);
}

/* What stands behind "\u"; the second half of a pair too. */
static bool unescape_unicode(const char **p, const char *end, struct buf *texts)
{
	uint32_t c, low;

	if (end - *p < 4 || !parse_hex(*p, &c) || c == 0 || (c >= 0xdc00 && c <= 0xdfff))
		return false;
	*p += 4;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u' || !parse_hex(*p + 2, &low) ||
			low < 0xdc00 || low > 0xdfff)
			return false;
		*p += 6;
		c = 0x10000 + ((c - 0xd800) << 10 | (low - 0xdc00));
	}
	add_character(texts, c);
	return true;
}

static bool unescape(struct str raw, struct buf *texts)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = raw.p, *end = raw.p + raw.n;

	while (p < end) {
		const char *next = memchr(p, '\\', (size_t)(end - p));
		buf_add(texts, p, (size_t)((next ? next : end) - p));
		if (!next)
			return true;
		p = next + 2;
		const char *found = memchr(from, next[1], sizeof(from) - 1);
		if (found)
			buf_add_char(texts, to[found - from]);
		else if (next[1] != 'u' || !unescape_unicode(&p, end, texts))
			return false;
	}
	return true;
}

static bool parse_string(struct parser *parser, struct str *ret_text)
{
	struct logs_batch *batch = parser->batch;
	bool has_escapes;

	if (!take_char(parser, '"'))
		return false;
	const char *start = parser->p;
	if (!find_end(parser, &has_escapes))
		return false;
	struct str raw = {start, (size_t)(parser->p++ - start)};
	if (!has_escapes) {
		*ret_text = raw;
		return true;
	}
	/* Never longer than it was written: with room for all that is left, texts stay where they
	 * are. */
	if (!batch->texts.p)
		buf_reserve(&batch->texts, (size_t)(parser->end - start));
	size_t before = batch->texts.n;
	if (!unescape(raw, &batch->texts))
		return false;
	*ret_text = (struct str){batch->texts.p + before, batch->texts.n - before};
	return true;
}

/* Digits alone, of no more than 18. */
static bool parse_time(struct parser *parser, int64_t *ret_time)
{
	int64_t value = 0;

	skip_space(parser);
	const char *start = parser->p;
	for (; parser->p < parser->end && *parser->p >= '0' && *parser->p <= '9'; parser->p++) {
		if (parser->p - start == 18)
			return false;
		value = value * 10 + (*parser->p - '0');
	}
	if (parser->p == start || (*start == '0' && parser->p - start > 1))
		return false;
	/* A fraction or an exponent is the other reader's. */
	if (parser->p < parser->end && strchr(".eE", *parser->p))
		return false;
	*ret_time = value;
	return true;
}

static bool parse_event(struct parser *parser, struct store_log_event *ret_event)
{
	bool has_time = false, has_message = false;
	struct str key;

	if (!take_char(parser, '{'))
		return false;
	do {
		if (!parse_string(parser, &key) || !take_char(parser, ':'))
			return false;
		bool is_good = false;
		if (str_equal(key, STR("timestamp")) && !has_time)
			is_good = has_time = parse_time(parser, &ret_event->time_ms);
		else if (str_equal(key, STR("message")) && !has_message)
			is_good = has_message = parse_string(parser, &ret_event->message) &&
						ret_event->message.n > 0;
		if (!is_good)
			return false;
	} while (take_char(parser, ','));
	return has_time && has_message && take_char(parser, '}');
}

static bool parse_events(struct parser *parser)
{
	struct logs_batch *batch = parser->batch;
	size_t capacity = 0;

	if (!take_char(parser, '['))
		return false;
	do {
		if (batch->count == STORE_LOG_PUT_EVENTS_MAX)
			return false;
		if (batch->count == capacity) {
			capacity = capacity ? 4 * capacity : 64;
			batch->events = mem_grow(batch->events, capacity, sizeof(*batch->events));
		}
		if (!parse_event(parser, &batch->events[batch->count]))
			return false;
		batch->count++;
	} while (take_char(parser, ','));
	return take_char(parser, ']');
}

static bool is_name(struct str text)
{
	return text.n >= 1 && text.n <= STORE_LOG_NAME_MAX;
}

static bool parse_members(struct parser *parser)
{
	struct logs_batch *batch = parser->batch;
	bool has_token = false;
	struct str key, token;

	if (!take_char(parser, '{'))
		return false;
	do {
		bool is_good = false;
		if (!parse_string(parser, &key) || !take_char(parser, ':'))
			return false;
		if (str_equal(key, STR("logGroupName")) && !batch->group.p)
			is_good = parse_string(parser, &batch->group) && is_name(batch->group);
		else if (str_equal(key, STR("logStreamName")) && !batch->stream.p)
			is_good = parse_string(parser, &batch->stream) && is_name(batch->stream);
		else if (str_equal(key, STR("logEvents")) && !batch->events)
			is_good = parse_events(parser);
		else if (str_equal(key, STR("sequenceToken")) && !has_token)
			is_good = has_token = parse_string(parser, &token) && token.n > 0;
		if (!is_good)
			return false;
	} while (take_char(parser, ','));
	if (!take_char(parser, '}'))
		return false;
	skip_space(parser);
	return parser->p == parser->end && batch->group.p && batch->stream.p && batch->count > 0;
}

bool logs_batch_parse(struct str body, struct logs_batch *ret_batch)
{
	*ret_batch = (struct logs_batch){0};
	struct parser parser = {.p = body.p, .end = body.p + body.n, .batch = ret_batch};

	if (body.n && parse_members(&parser))
		return true;
	logs_batch_done(ret_batch);
	return false;
}

void logs_batch_done(struct logs_batch *batch)
{
	free(batch->events);
	buf_done(&batch->texts);
	*batch = (struct logs_batch){0};
}

static void free_batch(void *raw)
{
	logs_batch_done(raw);
	free(raw);
}

/* Names with characters that a name cannot have are for the model to refuse. */
static bool has_only(struct str text, const char *more)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool is_plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
		if (!c || (!is_plain && !strchr(more, c)))
			return false;
	}
	return true;
}

bool logs_batch_read(struct api_call *call, struct str body, json_t **ret_input)
{
	struct logs_batch batch;

	if (!logs_batch_parse(body, &batch))
		return false;
	if (!has_only(batch.group, ".-_/#") || !has_only(batch.stream, ".-_/#$[]@+=, ()")) {
		logs_batch_done(&batch);
		return false;
	}
	struct logs_batch *kept = mem_new(1, sizeof(*kept));
	*kept = batch;
	call->raw = kept;
	call->free_raw = free_batch;
	*ret_input = json_pack("{s:o, s:o}", "logGroupName", logs_json(batch.group),
		"logStreamName", logs_json(batch.stream));
	return true;
}
