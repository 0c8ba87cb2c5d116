/* Who signed, and is it true? The signature of S3 covers what the headers say of the body, so it is
 * verified before the body comes; that of all other services covers the body's hash. */
#include "api/http/http_priv.h"

#include "aws/digest.h"

int authenticate_parse(struct request *request, struct aws_refusal *refusal)
{
	/* A browser asks about a presigned URL with that URL, which is signed for another method.
	 */
	if (str_equal(request->exchange.request.method, STR("OPTIONS")))
		return 0;
	return aws_signature_parse(
		&request->exchange.request, &request->exchange.signature, refusal);
}

/* A session's token must come with it, and a lasting key must come without. */
static int check_token(const struct request *request, const struct store_caller *caller,
	struct aws_refusal *refusal)
{
	const struct api_exchange *exchange = &request->exchange;

	if (!aws_equal_constant_time(exchange->signature.session_token, caller->session_token))
		return aws_refuse(refusal, AWS_AUTH_INVALID_TOKEN, NULL);
	if (caller->expires_ms && exchange->started_ms >= caller->expires_ms)
		return aws_refuse(refusal, AWS_AUTH_EXPIRED_TOKEN, NULL);
	return 0;
}

int authenticate_caller(struct request *request, struct aws_refusal *refusal)
{
	struct api_exchange *exchange = &request->exchange;
	const struct api_callers *callers = &request->server->settings.callers;

	if (exchange->signature.kind == AWS_SIGNATURE_NONE)
		return 0;
	exchange->caller = callers->find(callers->context, exchange->signature.access_key_id);
	if (!exchange->caller || !exchange->caller->is_active) {
		aws_refuse(refusal, AWS_AUTH_UNKNOWN_KEY, NULL);
		refusal->details = 1;
		refusal->detail[0].name = "AWSAccessKeyId";
		struct str id = exchange->signature.access_key_id;
		size_t n = id.n < 128 ? id.n : 128;
		memcpy(refusal->detail[0].value, id.p, n);
		refusal->detail[0].value[n] = '\0';
		return -1;
	}
	return check_token(request, exchange->caller, refusal);
}

static struct aws_verify_options verify_options(
	const struct request *request, struct str payload_hash)
{
	const struct api_exchange *exchange = &request->exchange;

	return (struct aws_verify_options){.now_ms = exchange->started_ms,
		.secret = exchange->caller->secret,
		.payload_hash = payload_hash,
		.region = STR(""),
		.service = STR(""),
		.bucket = exchange->bucket_host,
		.keys = request->server->keys};
}

int authenticate_verify(
	struct request *request, struct str payload_hash, struct aws_refusal *refusal)
{
	const struct api_exchange *exchange = &request->exchange;

	if (exchange->signature.kind == AWS_SIGNATURE_NONE)
		return 0;
	const struct aws_verify_options options = verify_options(request, payload_hash);
	if (aws_signature_verify(&exchange->signature, &exchange->request, &options, refusal) < 0)
		return -1;
	request->is_proved = true;
	const struct api_callers *callers = &request->server->settings.callers;
	if (callers->used)
		callers->used(callers->context, exchange->caller, exchange->signature.service,
			exchange->signature.region);
	return 0;
}

void authenticate_chunk_signer(struct request *request, struct aws_chunk_signer *ret_signer)
{
	const struct aws_verify_options options = verify_options(request, STR_NONE);

	aws_signature_chunk_signer(&request->exchange.signature, &options, ret_signer);
}
