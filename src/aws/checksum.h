/* checksum: the checksums of S3 objects (S3 guide, "Checking object integrity"): CRC32, CRC32C,
 * CRC64NVME, SHA-1 and SHA-256, and MD5 for ETag and Content-MD5; as streams, combined over parts,
 * and as the base64 text of x-amz-checksum-*. CRC values are big-endian in text. A struct aws_hash
 * has one owner and one thread at a time; the functions are otherwise free of state. The CRCs use
 * the processor's instructions where it has them, found at run time. */
#pragma once

#include "aws/digest.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* One row an algorithm: symbol, AWS's name, bytes, CRC (may be FULL_OBJECT), header or NULL. */
#define AWS_CHECKSUMS(X)                                                                           \
	X(CRC32, "CRC32", 4, true, "x-amz-checksum-crc32")                                         \
	X(CRC32C, "CRC32C", 4, true, "x-amz-checksum-crc32c")                                      \
	X(CRC64NVME, "CRC64NVME", 8, true, "x-amz-checksum-crc64nvme")                             \
	X(SHA1, "SHA1", 20, false, "x-amz-checksum-sha1")                                          \
	X(SHA256, "SHA256", 32, false, "x-amz-checksum-sha256")                                    \
	X(MD5, "MD5", 16, false, NULL)

enum aws_checksum {
	AWS_CHECKSUM_NONE,
#define X(symbol, name, size, is_crc, header) AWS_CHECKSUM_##symbol,
	AWS_CHECKSUMS(X)
#undef X
		AWS_CHECKSUM_COUNT
};

enum aws_checksum_type { AWS_CHECKSUM_FULL_OBJECT, AWS_CHECKSUM_COMPOSITE };

#define AWS_CHECKSUM_SIZE_MAX 32
/* Longest text: base64 of 32 bytes, '-' and a count of parts up to 10000. */
#define AWS_CHECKSUM_STR_MAX   (AWS_BASE64_LENGTH(AWS_CHECKSUM_SIZE_MAX) + 6)
#define AWS_CHECKSUM_PARTS_MAX 10000

struct aws_checksum_value {
	uint8_t algorithm; /* enum aws_checksum; NONE: no value */
	uint8_t size;
	uint16_t parts; /* of a COMPOSITE one; 0: FULL_OBJECT */
	uint8_t bytes[AWS_CHECKSUM_SIZE_MAX];
};

/* "CRC64NVME"; NULL for NONE. */
const char *aws_checksum_name(enum aws_checksum algorithm);
/* "x-amz-checksum-crc64nvme"; NULL for NONE and MD5. */
const char *aws_checksum_header(enum aws_checksum algorithm);
size_t aws_checksum_size(enum aws_checksum algorithm);
bool aws_checksum_is_crc(enum aws_checksum algorithm);
/* By AWS's name or by header name, case ignored; NONE when unknown. MD5 only by name. */
enum aws_checksum aws_checksum_find(struct str name);
enum aws_checksum aws_checksum_find_header(struct str header);

/* base64, for a composite one with "-N". False: not of this algorithm's size, or no base64. */
bool aws_checksum_parse(
	enum aws_checksum algorithm, struct str text, struct aws_checksum_value *ret_value);
/* Writes the text at p (room for AWS_CHECKSUM_STR_MAX), no NUL; returns the place behind it. */
char *aws_checksum_write(char *p, const struct aws_checksum_value *value);
bool aws_checksum_equal(const struct aws_checksum_value *a, const struct aws_checksum_value *b);

/* A stream being hashed. A zeroed one is done. */
struct aws_hash {
	uint8_t algorithm;
	uint64_t crc;
	void *context; /* libcrypto's, for hashes */
};
void aws_hash_init(struct aws_hash *hash, enum aws_checksum algorithm);
void aws_hash_add(struct aws_hash *hash, struct str bytes);
/* The value of what was added; hash is done afterwards. */
void aws_hash_finish(struct aws_hash *hash, struct aws_checksum_value *ret_value);
void aws_hash_done(struct aws_hash *hash);

/* Continue a CRC over more bytes; start with 0. */
uint32_t aws_crc32(uint32_t crc, const void *bytes, size_t n);
uint32_t aws_crc32c(uint32_t crc, const void *bytes, size_t n);
uint64_t aws_crc64nvme(uint64_t crc, const void *bytes, size_t n);

/* A checksum over parts, in order. COMPOSITE: the algorithm over the parts' values. FULL_OBJECT
 * (CRCs only): what the whole's own value would be, from the parts' values and sizes. */
struct aws_checksum_parts {
	uint8_t algorithm, type;
	uint16_t parts;
	uint64_t crc;
	uint64_t shift_size, shift; /* of the last part's size: most parts have the same */
	struct aws_hash hash;
};
/* False when the algorithm has no full-object form (not a CRC). */
bool aws_checksum_parts_init(
	struct aws_checksum_parts *parts, enum aws_checksum algorithm, enum aws_checksum_type type);
/* False when value is not of the algorithm, or there are more than AWS_CHECKSUM_PARTS_MAX. */
bool aws_checksum_parts_add(
	struct aws_checksum_parts *parts, const struct aws_checksum_value *value, uint64_t size);
/* parts is done afterwards. */
void aws_checksum_parts_finish(
	struct aws_checksum_parts *parts, struct aws_checksum_value *ret_value);
void aws_checksum_parts_done(struct aws_checksum_parts *parts);
