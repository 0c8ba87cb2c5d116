/* A request as lines: METHOD PATH?QUERY, then headers, read as the server reads them and then
 * verified. */
#include "aws/signature.h"

#define HEADERS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, line = STR("");
	struct aws_header headers[HEADERS_MAX];
	struct aws_request request = {.headers = headers};
	struct aws_signature signature;
	struct aws_refusal refusal = {0};
	struct aws_error error;

	str_split(&rest, '\n', &line);
	request.method = STR("GET");
	str_split(&line, '?', &request.path);
	request.query = line.p ? line : STR("");
	while (request.header_count < HEADERS_MAX && str_split(&rest, '\n', &line)) {
		struct aws_header *header = &headers[request.header_count++];
		str_split(&line, ':', &header->name);
		header->value = line.p ? line : STR("");
	}
	int result = aws_signature_parse(&request, &signature, &refusal);
	if (result == 0 && signature.kind != AWS_SIGNATURE_NONE) {
		const struct aws_verify_options options = {.now_ms = signature.date_ms,
			.secret = STR("secret"),
			.bucket = STR("bucket")};
		struct buf canonical = {0}, text = {0};
		result = aws_signature_verify(&signature, &request, &options, &refusal);
		aws_signature_explain(&signature, &request, &options, &canonical, &text);
		buf_done(&canonical);
		buf_done(&text);
	}
	if (result < 0)
		aws_refusal_error(&refusal, AWS_STYLE_S3, &error);
	aws_signature_done(&signature);
	return 0;
}
