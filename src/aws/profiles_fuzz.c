/* The first byte says which of the two files; the rest is the file. Whatever is in it, reading it
 * whole and asking for what it may have says the same twice. */
#include "aws/profiles_priv.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const keys[] = {
		"aws_access_key_id", "region", "s3", "role_arn", "services"};
	_cleanup_(aws_profiles_freep) struct aws_profiles *first = aws_profiles_new();
	_cleanup_(aws_profiles_freep) struct aws_profiles *second = aws_profiles_new();
	struct err err = ERR_INIT;

	if (size == 0)
		return 0;
	enum aws_profiles_file file = data[0] & 1 ? AWS_PROFILES_CONFIG : AWS_PROFILES_CREDENTIALS;
	struct str text = {(const char *)data + 1, size - 1};
	int result = aws_profiles_add(first, file, text, "file", &err);
	/* An error names its line, and never says a value. */
	assert(result == 0 || (err.code == ERR_INPUT && strncmp(err.message, "file:", 5) == 0));
	int again = aws_profiles_add(second, file, text, "file", NULL);
	assert(result == again);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = aws_profiles_get(first, "default", keys[i]);
		assert(same(value, aws_profiles_get(second, "default", keys[i])));
		assert(!value || aws_profiles_has(first, "default"));
		assert(!value || !strchr(value, '\n'));
	}
	aws_profiles_get_service(first, "default", "s3", "endpoint_url");
	return 0;
}
