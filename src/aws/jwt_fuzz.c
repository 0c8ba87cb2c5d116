/* The first line is a JWKS, the rest a token; neither is to crash, whatever it is. */
#include "aws/jwt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, jwks;
	struct aws_jwt jwt;

	if (!size || !str_split(&rest, '\n', &jwks))
		return 0;
	if (aws_jwt_read(&jwt, rest))
		aws_jwt_verify(&jwt, jwks);
	aws_jwt_done(&jwt);
	return 0;
}
