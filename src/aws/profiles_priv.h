/* profiles: the files that AWS's tools share, ~/.aws/config and ~/.aws/credentials (SDKs and Tools
 * reference guide, "Shared config and credentials files"). Read whole, then constant; any thread.
 * Secrets inside are wiped on free. */
#pragma once

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>

#define AWS_PROFILES_FILE_MAX (1 << 20)

/* In the config file profiles are "[profile NAME]" (and "[default]"), in the other "[NAME]". */
enum aws_profiles_file { AWS_PROFILES_CREDENTIALS, AWS_PROFILES_CONFIG };

struct aws_profiles;
struct aws_profiles *aws_profiles_new(void);
void aws_profiles_free(struct aws_profiles *profiles);
MEM_DEFINE_CLEANUP(struct aws_profiles, aws_profiles_free)

/* Adds what text says; name is for messages, which tell the line. */
int aws_profiles_add(struct aws_profiles *profiles, enum aws_profiles_file file, struct str text,
	const char *name, struct err *err);
/* Reads both files; NULL: the environment's, else ~/.aws/...; one that is not there is empty. */
int aws_profiles_load(struct aws_profiles **ret_profiles, const char *credentials_file,
	const char *config_file, struct err *err);

bool aws_profiles_has(const struct aws_profiles *profiles, const char *profile);
/* NULL when it is not there or empty. Of two the credentials file's; of one file's the last. */
const char *aws_profiles_get(
	const struct aws_profiles *profiles, const char *profile, const char *key);
/* key of the indented lines under service in "[services NAME]". */
const char *aws_profiles_get_service(const struct aws_profiles *profiles, const char *services,
	const char *service, const char *key);
/* Which files were read, for messages: "~/.aws/credentials and ~/.aws/config", written out. */
const char *aws_profiles_files(const struct aws_profiles *profiles);
