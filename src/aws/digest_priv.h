/* digest_priv: libcrypto's algorithms, looked up once, for digest.c and checksum.c. */
#pragma once

#include "aws/checksum.h"

#include <openssl/evp.h>

/* Of MD5, SHA1 and SHA256. Never NULL. */
const EVP_MD *aws_digest(enum aws_checksum algorithm);
