/* Times, percent-encoding, ARNs, base64 and checksums: what is read can be written and read again.
 */
#include "aws/arn.h"
#include "aws/checksum.h"
#include "aws/policy.h"
#include "aws/time.h"
#include "aws/uri.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void times(struct str text)
{
	char written[AWS_TIME_STR_MAX];
	int64_t ms, again;

	if (!aws_time_parse(text, &ms))
		return;
	char *end = aws_time_write_millis(written, ms);
	assert(aws_time_parse_iso8601((struct str){written, (size_t)(end - written)}, &again));
	assert(again == ms);
}

static void encodings(struct str text)
{
	_cleanup_buf_ struct buf decoded = {0}, encoded = {0}, again = {0};

	if (aws_base64_decode(text, &decoded)) {
		aws_base64_add(&encoded, decoded.p, decoded.n);
		assert(str_equal(buf_str(&encoded), text));
	}
	encoded.n = decoded.n = 0;
	aws_uri_encode(&encoded, text, AWS_URI_ENCODE_SLASH);
	assert(aws_uri_decode(&decoded, buf_str(&encoded), AWS_URI_PLUS_IS_SPACE));
	assert(str_equal(buf_str(&decoded), text));
	aws_uri_decode(&again, text, AWS_URI_PLUS_IS_PLUS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size}, pattern;
	struct aws_arn arn;

	times(text);
	encodings(text);
	if (aws_arn_parse(text, &arn)) {
		_cleanup_buf_ struct buf buf = {0};
		aws_arn_add(&buf, &arn);
		assert(str_equal(buf_str(&buf), text));
	}
	for (enum aws_checksum i = AWS_CHECKSUM_NONE + 1; i < AWS_CHECKSUM_COUNT; i++) {
		struct aws_checksum_value value;
		aws_checksum_parse(i, text, &value);
	}
	if (size < 2000 && str_split(&text, '\n', &pattern) && text.p)
		aws_wildcard_match(pattern, text);
	return 0;
}
