/* pattern_columns_priv: what a word of a line must be, as a question about columns, between
 * pattern_columns.c (patterns) and pattern_words.c (one column). */
#pragma once

#include "query/pattern_priv.h"

/* A text that a word contains; begins with, where it is at_start; ends with, at_end; is, both. */
struct pattern_piece {
	struct str text;
	bool at_start, at_end;
	struct pattern_needle needle;
	/* Of an IPv4 address: bit s of octets[i][v] says that octet i may be v where the text
	 * begins in octet s. */
	bool has_octets; /* it may be in an address */
	uint8_t octets[4][256];
	uint32_t masks[4], wanted[4]; /* for each s, by octets that may be one value only */
};
void pattern_piece_init(struct pattern_piece *piece, struct str text, bool at_start, bool at_end);
bool pattern_piece_fits(const struct pattern_piece *piece, struct str word);

/* What a comparison's text is: all of it; of a wildcard what is before the first star and behind
 * the last. */
struct pattern_condition {
	struct pattern_piece pieces[2];
};
/* NULL: it has none. */
const struct pattern_condition *pattern_condition(
	const struct pattern_pieces *pieces, unsigned node);

/* ---- one column: pattern_words.c ---- */
enum pattern_answer {
	PATTERN_UNKNOWN, /* bits are as they were */
	PATTERN_KNOWN,   /* bits of rows that do not have it are cleared */
};
/* Can no row have it? Asked without reading values. */
bool pattern_piece_is_nowhere(
	const struct pattern_piece *piece, const struct query_pattern_column *column);
/* May pattern_narrow_piece answer? Likewise; where it is not nowhere. */
bool pattern_piece_can_tell(
	const struct pattern_piece *piece, const struct query_pattern_column *column);
enum pattern_answer pattern_narrow_piece(const struct pattern_piece *piece,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits);
/* The condition that is the node. */
enum pattern_answer pattern_narrow_node(const struct query_pattern *pattern, unsigned node,
	const struct query_pattern_columns *columns, size_t at, uint64_t *bits);
