/* What a compiled pattern owns, and questions about it. */
#include "query/pattern_priv.h"

int query_pattern_new(struct query_pattern **ret_pattern, struct str text, struct err *err)
{
	if (text.n > QUERY_PATTERN_MAX)
		return err_set(err, ERR_USAGE, "filter pattern: %zu bytes, %d at most", text.n,
			QUERY_PATTERN_MAX);
	if (text.n && memchr(text.p, '\0', text.n))
		return err_set(err, ERR_USAGE, "filter pattern: it has a NUL");
	struct query_pattern *pattern = mem_new(1, sizeof(*pattern));
	/* Everything that is kept of it is a copy of a part, with a NUL and perhaps a '$'. */
	buf_reserve(&pattern->text, 8 * text.n + 64);
	buf_add_str(&pattern->text, text);
	if (pattern_parse(pattern, err) < 0) {
		query_pattern_free(pattern);
		return -1;
	}
	pattern->pieces = pattern_pieces_new(pattern);
	*ret_pattern = pattern;
	return 0;
}

void query_pattern_free(struct query_pattern *pattern)
{
	if (!pattern)
		return;
	for (unsigned i = 0; i < pattern->terms_count; i++)
		pattern_regex_free(pattern->terms[i].regex);
	for (unsigned i = 0; i < pattern->nodes_count; i++)
		pattern_regex_free(pattern->nodes[i].value.regex);
	for (unsigned i = 0; i < pattern->selectors_count; i++)
		free(pattern->selectors[i].steps);
	pattern_pieces_free(pattern->pieces);
	free(pattern->terms);
	free(pattern->words);
	free(pattern->nodes);
	free(pattern->selectors);
	buf_done(&pattern->text);
	free(pattern);
}

bool query_pattern_matches_all(const struct query_pattern *pattern)
{
	return pattern->kind == PATTERN_TERMS && pattern->terms_count == 0;
}

bool query_pattern_has_name(const struct query_pattern *pattern, struct str name)
{
	for (unsigned i = 0; i < pattern->words_count; i++) {
		if (!pattern->words[i].is_ellipsis && str_equal(pattern->words[i].name, name))
			return true;
	}
	for (unsigned i = 0; i < pattern->selectors_count; i++) {
		if (str_equal(pattern->selectors[i].text, name))
			return true;
	}
	return false;
}

unsigned query_pattern_regexes(const struct query_pattern *pattern)
{
	return pattern->regexes;
}
