/* The first byte: signed, trailer, and how large the pieces are; then the body. Whatever the
 * pieces, the outcome is the same. */
#include "aws/chunked.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(const struct aws_chunked_options *options, struct str body, size_t piece,
	struct buf *ret_data)
{
	_cleanup_(aws_chunked_freep) struct aws_chunked *chunked = NULL;
	struct aws_error error;

	aws_chunked_new(&chunked, options);
	while (body.n) {
		struct str input = {body.p, body.n < piece ? body.n : piece}, lent;
		body = (struct str){body.p + input.n, body.n - input.n};
		while (input.n) {
			if (aws_chunked_decode(chunked, &input, &lent, &error) < 0)
				return (int)error.code;
			buf_add_str(ret_data, lent);
		}
	}
	return aws_chunked_finish(chunked, &error) < 0 ? (int)error.code : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	const struct aws_chunked_options options = {.is_signed = data[0] & 1,
		.has_trailer = data[0] & 2,
		.decoded_length = data[0] & 4 ? UINT64_MAX : size / 2};
	struct str body = {(const char *)data + 1, size - 1};
	struct buf whole = {0}, pieces = {0};

	int first = decode(&options, body, size, &whole);
	int second = decode(&options, body, (size_t)(data[0] >> 3) + 1, &pieces);
	/* Lines that are too long are told by the piece that makes them so, one way or the other.
	 */
	assert((first == 0) == (second == 0));
	assert(first != 0 || str_equal(buf_str(&whole), buf_str(&pieces)));
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
