/* credentials: where the keys of a client come from. The chain of all SDKs, first found wins:
 * environment; web identity token; profile files (static keys, source_profile and
 * credential_source with assume-role, web identity, credential_process); container endpoint;
 * instance metadata (IMDSv2). Source: SDKs and Tools reference guide, "Standardized credential
 * providers"; STS API reference; EC2 user guide, "Instance metadata".
 *
 * A source may be shared by all threads. Keys that end are renewed five minutes before they do;
 * while that fails, keys that are still good are handed out. Blocks: files, and the network when
 * keys are fetched (one thread fetches, the others wait). Secrets are wiped when they are freed. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>

struct aws_credentials_source;

struct aws_credentials_settings {
	const char *profile;                        /* NULL: AWS_PROFILE, else "default" */
	const char *credentials_file, *config_file; /* NULL: the environment's, else ~/.aws/... */
	/* When access_key_id is set these are the keys and nothing is looked up. */
	const char *access_key_id, *secret_access_key, *session_token;
	const char *role_arn, *external_id; /* a role to be taken with what was found; NULL: none */
	const char *region;                 /* of STS; NULL: as in aws/client.h */
	const char *sts_endpoint;           /* NULL: as in aws/client.h */
};

int aws_credentials_source_new(struct aws_credentials_source **ret_source,
	const struct aws_credentials_settings *settings, struct err *err);
void aws_credentials_source_free(struct aws_credentials_source *source);
MEM_DEFINE_CLEANUP(struct aws_credentials_source, aws_credentials_source_free)

/* Keys as they are now; owned by the caller (aws_keys_done). The error says what was tried. */
struct aws_keys {
	char *access_key_id, *secret_access_key, *session_token; /* token NULL: none */
	int64_t expires_ms;                                      /* 0: never */
};
int aws_credentials_get(
	struct aws_credentials_source *source, struct aws_keys *ret_keys, struct err *err);
void aws_keys_done(struct aws_keys *keys);
/* The service said that they are no good any more: fetch anew with the next get. */
void aws_credentials_expire(struct aws_credentials_source *source);
