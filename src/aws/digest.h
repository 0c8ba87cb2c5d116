/* digest: SHA-256, HMAC, MD5 and SHA-1 (libcrypto), and bytes as hexadecimal and base64 text.
 * Any thread. A missing algorithm (a libcrypto without MD5, say) aborts: nothing of AWS works then.
 * Whole values; streams are checksum.h's. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AWS_MD5_SIZE    16
#define AWS_SHA1_SIZE   20
#define AWS_SHA256_SIZE 32
#define AWS_SHA256_HEX  64

#define AWS_BASE64_LENGTH(size) (((size) + 2) / 3 * 4)

/* SHA-256 of nothing, in hexadecimal: the payload hash of requests without a body. */
#define AWS_SHA256_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

void aws_sha256(struct str bytes, uint8_t ret_hash[static AWS_SHA256_SIZE]);
void aws_sha1(struct str bytes, uint8_t ret_hash[static AWS_SHA1_SIZE]);
void aws_md5(struct str bytes, uint8_t ret_hash[static AWS_MD5_SIZE]);
void aws_hmac_sha256(struct str key, struct str message, uint8_t ret_hash[static AWS_SHA256_SIZE]);
void aws_hmac_sha1(struct str key, struct str message, uint8_t ret_hash[static AWS_SHA1_SIZE]);

/* Lower case, at p (room for 2 * n); returns the place behind it. No NUL. */
char *aws_hex_write(char *p, const void *bytes, size_t n);
/* Exactly 2 * n hexadecimal digits of either case. */
bool aws_hex_parse(struct str text, void *ret_bytes, size_t n);
/* RFC 4648 with padding, at p (room for AWS_BASE64_LENGTH(n)); returns the place behind it. */
char *aws_base64_write(char *p, const void *bytes, size_t n);
void aws_base64_add(struct buf *buf, const void *bytes, size_t n);
/* Strict RFC 4648 (padding required, no white space, unused bits zero) of exactly n bytes. */
bool aws_base64_parse(struct str text, void *ret_bytes, size_t n);
/* The same of any length, appended to buf; on false buf is as before. */
bool aws_base64_decode(struct str text, struct buf *buf);

/* In time that depends on the lengths only. */
bool aws_equal_constant_time(struct str a, struct str b);
/* Cryptographically random bytes; aborts when the kernel gives none. */
void aws_random(void *ret_bytes, size_t n);
