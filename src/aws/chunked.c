/* A body is chunks, "SIZE[;chunk-signature=HEX]\r\nDATA\r\n", the last one of size 0 and without
 * DATA, then trailing header lines, then an empty line. Each chunk's signature covers the one
 * before it, so that chunks cannot be left out, doubled or moved; the trailing headers' covers the
 * last chunk's. */
#include "aws/chunked.h"

#include "aws/checksum.h"
#include "aws/digest.h"
#include "aws/sigv4_priv.h"

#include <assert.h>
#include <openssl/crypto.h>

enum state {
	AT_SIZE,     /* the line before a chunk */
	AT_DATA,     /* inside a chunk */
	AT_DATA_END, /* the line break behind a chunk's data */
	AT_TRAILER,  /* a trailing header, or the empty line */
	AT_END
};

struct aws_chunked {
	struct aws_chunked_options options;
	enum state state;
	uint64_t remaining; /* of the chunk */
	uint64_t decoded;
	char signature[64];   /* of the chunk being read */
	struct aws_hash hash; /* of its data */
	struct buf line;      /* a line that came in pieces */
	struct buf trailers;  /* NAME:VALUE\n, as they are signed */
	unsigned trailer_count;
	bool has_trailer_signature;
};

void aws_chunk_signer_done(struct aws_chunk_signer *signer)
{
	OPENSSL_cleanse(signer, sizeof(*signer));
}

void aws_chunked_new(struct aws_chunked **ret_chunked, const struct aws_chunked_options *options)
{
	struct aws_chunked *chunked = mem_new(1, sizeof(*chunked));

	chunked->options = *options;
	if (options->is_signed)
		aws_hash_init(&chunked->hash, AWS_CHECKSUM_SHA256);
	*ret_chunked = chunked;
}

void aws_chunked_free(struct aws_chunked *chunked)
{
	if (!chunked)
		return;
	aws_hash_done(&chunked->hash);
	buf_done(&chunked->line);
	buf_done(&chunked->trailers);
	aws_chunk_signer_done(&chunked->options.signer);
	free(chunked);
}

/* The signature of a chunk or of the trailing headers, which have only one hash. */
static void sign(const struct aws_chunk_signer *signer, bool is_trailer,
	const uint8_t hash[static AWS_SHA256_SIZE], char ret_signature[static 64])
{
	_cleanup_buf_ struct buf text = {0};
	char hex[AWS_SHA256_HEX];
	uint8_t mac[AWS_SHA256_SIZE];

	buf_add_text(
		&text, is_trailer ? "AWS4-HMAC-SHA256-TRAILER\n" : "AWS4-HMAC-SHA256-PAYLOAD\n");
	buf_add(&text, signer->date, sizeof(signer->date));
	buf_add_char(&text, '\n');
	buf_add(&text, signer->scope, signer->scope_length);
	buf_add_char(&text, '\n');
	buf_add(&text, signer->previous, sizeof(signer->previous));
	if (!is_trailer)
		buf_add_text(&text, "\n" AWS_SHA256_EMPTY);
	buf_add_char(&text, '\n');
	aws_hex_write(hex, hash, AWS_SHA256_SIZE);
	buf_add(&text, hex, sizeof(hex));
	aws_hmac_sha256(
		(struct str){(const char *)signer->key, sizeof(signer->key)}, buf_str(&text), mac);
	aws_hex_write(ret_signature, mac, sizeof(mac));
}

static int check(struct aws_chunked *chunked, bool is_trailer,
	const uint8_t hash[static AWS_SHA256_SIZE], struct aws_error *error)
{
	char expected[64];

	sign(&chunked->options.signer, is_trailer, hash, expected);
	if (!aws_equal_constant_time((struct str){expected, sizeof(expected)},
		    (struct str){chunked->signature, sizeof(chunked->signature)}))
		return aws_error_default(error, AWS_ERROR_SIGNATURE_DOES_NOT_MATCH);
	memcpy(chunked->options.signer.previous, expected, sizeof(expected));
	return 0;
}

static int malformed(struct aws_error *error, const char *what)
{
	return aws_error_set(
		error, AWS_ERROR_INVALID_REQUEST, "The aws-chunked body is malformed: %s", what);
}

/* The chunk's data is complete. */
static int chunk_done(struct aws_chunked *chunked, struct aws_error *error)
{
	struct aws_checksum_value hash;

	if (!chunked->options.is_signed)
		return 0;
	aws_hash_finish(&chunked->hash, &hash);
	aws_hash_init(&chunked->hash, AWS_CHECKSUM_SHA256);
	return check(chunked, false, hash.bytes, error);
}

static int read_signature(struct aws_chunked *chunked, struct str text, struct aws_error *error)
{
	uint8_t unused[AWS_SHA256_SIZE];

	if (!aws_hex_parse(text, unused, sizeof(unused)))
		return malformed(error, "a signature is not 64 hexadecimal digits");
	for (size_t i = 0; i < sizeof(chunked->signature); i++)
		chunked->signature[i] =
			(char)(text.p[i] >= 'A' && text.p[i] <= 'F' ? text.p[i] | 0x20 : text.p[i]);
	return 0;
}

static bool parse_size(struct str text, uint64_t *ret_size)
{
	uint64_t size = 0;

	if (text.n == 0 || text.n > 16)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = (char)(text.p[i] | 0x20);
		if (c >= '0' && c <= '9')
			size = size << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			size = size << 4 | (uint64_t)(c - 'a' + 10);
		else
			return false;
	}
	*ret_size = size;
	return true;
}

static int read_size(struct aws_chunked *chunked, struct str line, struct aws_error *error)
{
	const struct str name = STR("chunk-signature=");
	struct str size, extension;
	bool has_signature = false;

	str_split(&line, ';', &size);
	if (!parse_size(size, &chunked->remaining))
		return malformed(error, "a chunk does not begin with its size");
	while (chunked->options.is_signed && !has_signature && str_split(&line, ';', &extension)) {
		if (!str_starts_with(extension, name))
			continue;
		has_signature = true;
		if (read_signature(chunked,
			    (struct str){extension.p + name.n, extension.n - name.n}, error) < 0)
			return -1;
	}
	if (chunked->options.is_signed && !has_signature)
		return malformed(error, "a chunk has no chunk-signature");
	if (chunked->remaining > chunked->options.decoded_length - chunked->decoded)
		return aws_error_set(error, AWS_ERROR_INCOMPLETE_BODY,
			"The chunks have more bytes than x-amz-decoded-content-length says");
	chunked->state = chunked->remaining ? AT_DATA : AT_TRAILER;
	return chunked->remaining ? 0 : chunk_done(chunked, error);
}

static int malformed_trailer(struct aws_error *error)
{
	return aws_error_default(error, AWS_ERROR_MALFORMED_TRAILER);
}

static int end_of_trailers(struct aws_chunked *chunked, struct aws_error *error)
{
	uint8_t hash[AWS_SHA256_SIZE];

	chunked->state = AT_END;
	if (!chunked->options.is_signed || !chunked->options.has_trailer)
		return 0;
	if (!chunked->has_trailer_signature)
		return aws_error_default(error, AWS_ERROR_SIGNATURE_DOES_NOT_MATCH);
	aws_sha256(buf_str(&chunked->trailers), hash);
	return check(chunked, true, hash, error);
}

static int read_trailer(struct aws_chunked *chunked, struct str line, struct aws_error *error)
{
	struct str name;

	/* AWS's own example has a newline before the line break. */
	if (line.n && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n == 0)
		return end_of_trailers(chunked, error);
	if (!chunked->options.has_trailer || !str_split(&line, ':', &name) || !line.p)
		return malformed_trailer(error);
	name = str_trim(name);
	line = str_trim(line);
	if (name.n == 0 || memchr(line.p, '\n', line.n) || memchr(name.p, '\n', name.n) ||
		++chunked->trailer_count > AWS_TRAILERS_MAX ||
		chunked->trailers.n + name.n + line.n > AWS_TRAILER_MAX ||
		chunked->has_trailer_signature)
		return malformed_trailer(error);
	if (chunked->options.is_signed &&
		str_equal_ignoring_case(name, STR("x-amz-trailer-signature"))) {
		chunked->has_trailer_signature = true;
		return read_signature(chunked, line, error);
	}
	sigv4_add_lower(&chunked->trailers, name);
	buf_add_char(&chunked->trailers, ':');
	buf_add_str(&chunked->trailers, line);
	buf_add_char(&chunked->trailers, '\n');
	return 0;
}

/* Takes a line off *input without its "\r\n": true when it is whole. Pieces wait in chunked->line.
 */
static bool take_line(struct aws_chunked *chunked, struct str *input, struct str *ret_line)
{
	struct buf *line = &chunked->line;
	const char *p = input->p, *end = input->p + input->n;

	while ((p = memchr(p, '\n', (size_t)(end - p)))) {
		char before = p > input->p ? p[-1] : line->n ? line->p[line->n - 1] : '\0';
		p++;
		if (before == '\r')
			break;
	}
	size_t n = p ? (size_t)(p - input->p) : input->n;
	*ret_line = (struct str){input->p, n};
	*input = (struct str){input->p + n, input->n - n};
	if (line->n || !p) {
		buf_add_str(line, *ret_line);
		*ret_line = buf_str(line);
	}
	if (!p)
		return false;
	ret_line->n -= 2;
	line->n = 0;
	return true;
}

static void take_data(struct aws_chunked *chunked, struct str *input, struct str *ret_data)
{
	size_t n = input->n < chunked->remaining ? input->n : (size_t)chunked->remaining;

	*ret_data = (struct str){input->p, n};
	*input = (struct str){input->p + n, input->n - n};
	chunked->remaining -= n;
	chunked->decoded += n;
	if (chunked->options.is_signed)
		aws_hash_add(&chunked->hash, *ret_data);
}

static int read_line(struct aws_chunked *chunked, struct str line, struct aws_error *error)
{
	switch (chunked->state) {
	case AT_SIZE:
		return read_size(chunked, line, error);
	case AT_DATA_END:
		chunked->state = AT_SIZE;
		return line.n ? malformed(error, "no line break behind a chunk's data") : 0;
	case AT_TRAILER:
		return read_trailer(chunked, line, error);
	default:
		return malformed(error, "there are bytes behind the end");
	}
}

int aws_chunked_decode(struct aws_chunked *chunked, struct str *input, struct str *ret_data,
	struct aws_error *error)
{
	struct str line;

	*ret_data = STR("");
	while (input->n) {
		if (chunked->state == AT_END)
			return malformed(error, "there are bytes behind the end");
		if (chunked->state == AT_DATA) {
			take_data(chunked, input, ret_data);
			if (chunked->remaining)
				return 0;
			chunked->state = AT_DATA_END;
			return chunk_done(chunked, error);
		}
		bool whole = take_line(chunked, input, &line);
		size_t max = chunked->state == AT_TRAILER ? AWS_TRAILER_MAX : AWS_CHUNK_LINE_MAX;
		if (line.n > max)
			return chunked->state == AT_TRAILER
				       ? malformed_trailer(error)
				       : malformed(error, "a chunk's first line is too long");
		if (whole && read_line(chunked, line, error) < 0)
			return -1;
	}
	return 0;
}

int aws_chunked_finish(struct aws_chunked *chunked, struct aws_error *error)
{
	if (chunked->state != AT_END)
		return aws_error_set(error, AWS_ERROR_INCOMPLETE_BODY,
			"The request body terminated unexpectedly");
	if (chunked->decoded != chunked->options.decoded_length)
		return aws_error_set(error, AWS_ERROR_INCOMPLETE_BODY,
			"The chunks have fewer bytes than x-amz-decoded-content-length says");
	return 0;
}

bool aws_chunked_trailer(const struct aws_chunked *chunked, struct str name, struct str *ret_value)
{
	struct str rest = buf_str(&chunked->trailers), line, found;

	while (str_split(&rest, '\n', &line)) {
		if (str_split(&line, ':', &found) && line.p && str_equal(found, name)) {
			*ret_value = line;
			return true;
		}
	}
	return false;
}

static void write_signature(
	struct aws_chunk_signer *signer, bool is_trailer, struct str signed_text)
{
	uint8_t hash[AWS_SHA256_SIZE];
	char signature[64];

	aws_sha256(signed_text, hash);
	sign(signer, is_trailer, hash, signature);
	memcpy(signer->previous, signature, sizeof(signature));
}

static void write_size(struct aws_chunk_signer *signer, struct str data, struct buf *buf)
{
	buf_printf(buf, "%zx", data.n);
	if (signer) {
		write_signature(signer, false, data);
		buf_add_text(buf, ";chunk-signature=");
		buf_add(buf, signer->previous, sizeof(signer->previous));
	}
	buf_add_text(buf, "\r\n");
}

void aws_chunked_write(struct aws_chunk_signer *signer, struct str data, struct buf *buf)
{
	assert(data.n > 0);
	write_size(signer, data, buf);
	buf_add_str(buf, data);
	buf_add_text(buf, "\r\n");
}

void aws_chunked_write_end(struct aws_chunk_signer *signer, const struct aws_trailer *trailers,
	size_t trailer_count, struct buf *buf)
{
	_cleanup_buf_ struct buf lines = {0};

	write_size(signer, STR(""), buf);
	for (size_t i = 0; i < trailer_count; i++) {
		const struct aws_trailer *trailer = &trailers[i];
		for (struct buf *to = buf; to; to = to == buf ? &lines : NULL) {
			buf_add_str(to, trailer->name);
			buf_add_char(to, ':');
			buf_add_str(to, trailer->value);
			buf_add_text(to, to == buf ? "\r\n" : "\n");
		}
	}
	if (signer && trailer_count) {
		write_signature(signer, true, buf_str(&lines));
		buf_add_text(buf, "x-amz-trailer-signature:");
		buf_add(buf, signer->previous, sizeof(signer->previous));
		buf_add_text(buf, "\r\n");
	}
	buf_add_text(buf, "\r\n");
}
