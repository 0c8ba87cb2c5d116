/* ES256: RFC 7515, A.3. RS256: tokens and keys made with Python's cryptography, the second with a
 * key of 1024 bits. */
#include "aws/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define EC_HEADER "eyJhbGciOiJFUzI1NiJ9"
#define EC_CLAIMS                                                                                  \
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0" \
	"cnVlfQ"
#define EC_SIGNATURE                                                                               \
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define EC_KEY                                                                                        \
	"{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X \
	"\",\"y\":\"" EC_Y "\"}]}"

static const char rsa_text[] =
	"eyJhbGciOiJSUzI1NiIsImtpZCI6Im9uZSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL29pZGM"
	"uZXhhbXBsZS5jb20iLCJzdWIiOiJhZGEifQ.";
static const char rsa_signature[] =
	"Qm83Vr1_-hlD14Xoa7DDlVw9EVM5G9S-csEcUWb_jFl5qg491aJ_2TI3eIDvpL_fvUrXrnjbpDvMo96e"
	"MaH6LT_9Hvq-s5R586t9d9EqKkqhPxVz8rtsnVbq3dT-YspRHnLNB-0gFPi3Fei6TsEW8NzEOMO1hCQF"
	"tg6pQdAF95GqcwZAzVMDi905QroGNJRc5uqCMOISN_f1SIHE6yE2ZNYU4l7Qo_UUyRzS-JNpZCMpMmcG"
	"3iCZKEO5e5CpQ4z1ahJCg2Ck0OTAdpyV57ZPw5oBmqAplQQd2FC3gu7cs0TJi31G0zv9us4nYJ2KzYvJ"
	"pVqWV_aZkuG9yHKe688xRQ";
static const char rsa_n[] =
	"vGMiPMnjufOrPtnAJWqKA2lvwcJkZxOHBL2qV7xkJgWqLTVkWTqbugoQ9ZB_bl7mGf-UzkcB40AzvKm-"
	"Cwjaa6VQxtgspndDj1BtLYxyX4-HMzZS4NhVyPVN8-uMs81TgQg-Yy6RnmiyBRbD7AAZHEGYnnIaFMur"
	"gWSAvKK-V6U-gE3EDQjBdLedlMkFNSUwmRHY8jcafgTY4OCrJBHeXix2ggPtuOBRxwAMXKRmD3OtzdrW"
	"UJut6tQp2ydNTsKTUBXFdDotpJAF0enYT7hN5xt6e2UoWFx7cxhvZ-NyC-OagBgNSQshXtRzLxWkrmoy"
	"nX7VY9dta6_hCpOnV5he7Q";
static const char small_signature[] =
	"qo7gTok-IZF05pI-X8oUg0mpEb7Xfn8FJixXVSh3LzkZMlpYI0zkXWlRn3qtYwV5GrbOgcZXdlatkvLz"
	"RGZoTRIf3VUZ9x3X06UU57O9navoesdX_gAy5-J0pFipXG6Sfjm3aw8anuLNFd17JNjSe-RhxUFC6czE"
	"jSPCDQ5kN1A";
static const char small_n[] =
	"sMC_uu9e2-c3gDQupE6gfeoio5Q3UeSz70R7vwQSCzc53vXAI7OaBhzl9Ygpnd02q6_k8qS1QHEoAPyi"
	"e1ptCcU5_msf3-C1f-lqULeb2a4tK8dUX_7ODACpsSjpsUBy2_ygPk1WxN7gqJHkmHl8vgblCzb7xRt7"
	"9Zsq0mK_ilk";

static enum aws_jwt_verdict verify(const char *token, const char *jwks)
{
	struct aws_jwt jwt;
	enum aws_jwt_verdict verdict = AWS_JWT_BAD;

	if (aws_jwt_read(&jwt, str_from(token)))
		verdict = aws_jwt_verify(&jwt, str_from(jwks));
	aws_jwt_done(&jwt);
	return verdict;
}

static void elliptic_curves(void **state)
{
	static const char good[] = EC_HEADER "." EC_CLAIMS "." EC_SIGNATURE;
	struct aws_jwt jwt;

	assert_int_equal(verify(good, EC_KEY), AWS_JWT_GOOD);
	assert_true(aws_jwt_read(&jwt, str_from(good)));
	assert_true(str_equal(aws_jwt_text(&jwt, "iss"), STR("joe")));
	assert_null(aws_jwt_text(&jwt, "exp").p); /* a number */
	aws_jwt_done(&jwt);
	/* a bit of the claims, of r; x and y exchanged: no point of the curve */
	assert_int_equal(
		verify(EC_HEADER ".eyJpc3MiOiJqb2UifQ." EC_SIGNATURE, EC_KEY), AWS_JWT_BAD);
	assert_int_equal(
		verify(EC_HEADER "." EC_CLAIMS ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmX"
				 "GCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
			EC_KEY),
		AWS_JWT_BAD);
	assert_int_equal(verify(good, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y
				      "\",\"y\":\"" EC_X "\"}]}"),
		AWS_JWT_BAD);
	assert_int_equal(verify(good, "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X
				      "\",\"y\":\"" EC_Y "\"}]}"),
		AWS_JWT_BAD);
	assert_int_equal(verify(good, "{\"keys\":[]}"), AWS_JWT_NO_KEY);
	assert_int_equal(verify(good, "{}"), AWS_JWT_NO_KEYS);
	assert_int_equal(verify(good, ""), AWS_JWT_NO_KEYS);
}

static void rsa(void **state)
{
	_cleanup_free_ char *good = mem_printf("%s%s", rsa_text, rsa_signature);
	_cleanup_free_ char *small = mem_printf("%s%s", rsa_text, small_signature);

	for (size_t i = 0; i < 6; i++) {
		static const struct {
			const char *more;
			enum aws_jwt_verdict verdict;
		} cases[] = {
			{"", AWS_JWT_NO_KEY}, /* the token names one */
			{",\"kid\":\"one\"", AWS_JWT_GOOD},
			{",\"kid\":\"two\"", AWS_JWT_NO_KEY},
			{",\"kid\":\"one\",\"use\":\"sig\",\"alg\":\"RS256\"", AWS_JWT_GOOD},
			{",\"kid\":\"one\",\"use\":\"enc\"", AWS_JWT_NO_KEY},
			{",\"kid\":\"one\",\"alg\":\"RS512\"", AWS_JWT_NO_KEY},
		};
		_cleanup_free_ char *keys =
			mem_printf("{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"%s}]}",
				rsa_n, cases[i].more);
		if (verify(good, keys) != cases[i].verdict)
			fail_msg("%s", cases[i].more);
	}
	_cleanup_free_ char *keys = mem_printf(
		"{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"one\",\"e\":\"AQAB\",\"n\":\"%s\"}]}",
		small_n);
	assert_int_equal(verify(small, keys), AWS_JWT_BAD);
}

/* python3 -c 'import base64; print(base64.urlsafe_b64encode(b"..."))' */
static void no_signature_is_none(void **state)
{
	static const char *const tokens[] = {
		"",
		".",
		"..",
		EC_HEADER "." EC_CLAIMS,
		EC_HEADER "." EC_CLAIMS "." EC_SIGNATURE ".x",
		EC_HEADER "." EC_CLAIMS "." EC_SIGNATURE "=",
		EC_HEADER "." EC_CLAIMS ".AAAA",
		EC_HEADER ".W10." EC_SIGNATURE,            /* [] */
		"eyJhbGciOiJub25lIn0." EC_CLAIMS ".",      /* {"alg":"none"} */
		"eyJhbGciOiJub25lIn0." EC_CLAIMS ".AAAA",  /* {"alg":"none"} */
		"eyJhbGciOiJIUzI1NiJ9." EC_CLAIMS ".AAAA", /* {"alg":"HS256"} */
		"e30." EC_CLAIMS "." EC_SIGNATURE,         /* {} */
		/* {"alg":"ES256","crit":["exp"]} */
		"eyJhbGciOiJFUzI1NiIsImNyaXQiOlsiZXhwIl19." EC_CLAIMS "." EC_SIGNATURE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		if (verify(tokens[i], EC_KEY) != AWS_JWT_BAD)
			fail_msg("%s", tokens[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elliptic_curves),
		cmocka_unit_test(rsa),
		cmocka_unit_test(no_signature_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
