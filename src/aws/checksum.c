#include "aws/checksum.h"

#include "aws/crc_priv.h"
#include "aws/digest_priv.h"
#include "base/number.h"

#include <assert.h>
#include <libdeflate.h>
#include <openssl/evp.h>

static const struct algorithm {
	const char *name, *header;
	uint8_t size;
	bool is_crc;
} algorithms[AWS_CHECKSUM_COUNT] = {
#define X(symbol, name, size, is_crc, header)                                                      \
	[AWS_CHECKSUM_##symbol] = {name, header, size, is_crc},
	AWS_CHECKSUMS(X)
#undef X
};

const char *aws_checksum_name(enum aws_checksum algorithm)
{
	return algorithms[algorithm].name;
}

const char *aws_checksum_header(enum aws_checksum algorithm)
{
	return algorithms[algorithm].header;
}

size_t aws_checksum_size(enum aws_checksum algorithm)
{
	return algorithms[algorithm].size;
}

bool aws_checksum_is_crc(enum aws_checksum algorithm)
{
	return algorithms[algorithm].is_crc;
}

enum aws_checksum aws_checksum_find(struct str name)
{
	for (enum aws_checksum i = AWS_CHECKSUM_NONE + 1; i < AWS_CHECKSUM_COUNT; i++)
		if (str_equal_ignoring_case(name, str_from(algorithms[i].name)))
			return i;
	return AWS_CHECKSUM_NONE;
}

enum aws_checksum aws_checksum_find_header(struct str header)
{
	for (enum aws_checksum i = AWS_CHECKSUM_NONE + 1; i < AWS_CHECKSUM_COUNT; i++)
		if (algorithms[i].header &&
			str_equal_ignoring_case(header, str_from(algorithms[i].header)))
			return i;
	return AWS_CHECKSUM_NONE;
}

bool aws_checksum_parse(
	enum aws_checksum algorithm, struct str text, struct aws_checksum_value *ret_value)
{
	struct aws_checksum_value value = {
		.algorithm = (uint8_t)algorithm, .size = algorithms[algorithm].size};
	struct str digest;
	uint64_t parts = 0;

	if (!value.size || !str_split(&text, '-', &digest))
		return false;
	if (text.p && (!number_parse(text, AWS_CHECKSUM_PARTS_MAX, &parts) || parts == 0))
		return false;
	if (!aws_base64_parse(digest, value.bytes, value.size))
		return false;
	value.parts = (uint16_t)parts;
	*ret_value = value;
	return true;
}

char *aws_checksum_write(char *p, const struct aws_checksum_value *value)
{
	p = aws_base64_write(p, value->bytes, value->size);
	if (value->parts) {
		*p++ = '-';
		p = number_write(p, value->parts);
	}
	return p;
}

bool aws_checksum_equal(const struct aws_checksum_value *a, const struct aws_checksum_value *b)
{
	return a->algorithm == b->algorithm && a->parts == b->parts && a->size == b->size &&
	       memcmp(a->bytes, b->bytes, a->size) == 0;
}

uint32_t aws_crc32(uint32_t crc, const void *bytes, size_t n)
{
	return libdeflate_crc32(crc, bytes, n);
}

uint32_t aws_crc32c(uint32_t crc, const void *bytes, size_t n)
{
	return (uint32_t)crc_add(CRC_32C, crc, bytes, n);
}

uint64_t aws_crc64nvme(uint64_t crc, const void *bytes, size_t n)
{
	return crc_add(CRC_64NVME, crc, bytes, n);
}

static enum crc_kind kind_of(enum aws_checksum algorithm)
{
	switch (algorithm) {
	case AWS_CHECKSUM_CRC32:
		return CRC_32;
	case AWS_CHECKSUM_CRC32C:
		return CRC_32C;
	case AWS_CHECKSUM_CRC64NVME:
		return CRC_64NVME;
	default:
		assert(false);
		return CRC_KINDS;
	}
}

void aws_hash_init(struct aws_hash *hash, enum aws_checksum algorithm)
{
	assert(algorithm > AWS_CHECKSUM_NONE && algorithm < AWS_CHECKSUM_COUNT);
	*hash = (struct aws_hash){.algorithm = (uint8_t)algorithm};
	if (algorithms[algorithm].is_crc)
		return;
	hash->context = EVP_MD_CTX_new();
	bool begun =
		hash->context && EVP_DigestInit_ex(hash->context, aws_digest(algorithm), NULL) == 1;
	assert(begun);
}

void aws_hash_add(struct aws_hash *hash, struct str bytes)
{
	if (hash->algorithm == AWS_CHECKSUM_CRC32) {
		hash->crc = aws_crc32((uint32_t)hash->crc, bytes.p, bytes.n);
	} else if (!hash->context) {
		hash->crc = crc_add(kind_of(hash->algorithm), hash->crc, bytes.p, bytes.n);
	} else {
		bool added = EVP_DigestUpdate(hash->context, bytes.p, bytes.n) == 1;
		assert(added);
	}
}

static void write_crc(struct aws_checksum_value *value, uint64_t crc)
{
	for (unsigned i = 0; i < value->size; i++)
		value->bytes[i] = (uint8_t)(crc >> 8 * (value->size - 1 - i));
}

static uint64_t read_crc(const struct aws_checksum_value *value)
{
	uint64_t crc = 0;

	for (unsigned i = 0; i < value->size; i++)
		crc = crc << 8 | value->bytes[i];
	return crc;
}

void aws_hash_finish(struct aws_hash *hash, struct aws_checksum_value *ret_value)
{
	struct aws_checksum_value value = {
		.algorithm = hash->algorithm, .size = algorithms[hash->algorithm].size};

	if (hash->context) {
		bool finished = EVP_DigestFinal_ex(hash->context, value.bytes, NULL) == 1;
		assert(finished);
	} else {
		write_crc(&value, hash->crc);
	}
	aws_hash_done(hash);
	*ret_value = value;
}

void aws_hash_done(struct aws_hash *hash)
{
	EVP_MD_CTX_free(hash->context);
	*hash = (struct aws_hash){0};
}

bool aws_checksum_parts_init(
	struct aws_checksum_parts *parts, enum aws_checksum algorithm, enum aws_checksum_type type)
{
	*parts =
		(struct aws_checksum_parts){.algorithm = (uint8_t)algorithm, .type = (uint8_t)type};
	if (type == AWS_CHECKSUM_FULL_OBJECT)
		return algorithms[algorithm].is_crc;
	aws_hash_init(&parts->hash, algorithm);
	return true;
}

bool aws_checksum_parts_add(
	struct aws_checksum_parts *parts, const struct aws_checksum_value *value, uint64_t size)
{
	if (value->algorithm != parts->algorithm || value->parts ||
		parts->parts == AWS_CHECKSUM_PARTS_MAX)
		return false;
	parts->parts++;
	if (parts->type == AWS_CHECKSUM_COMPOSITE) {
		aws_hash_add(&parts->hash, (struct str){(const char *)value->bytes, value->size});
		return true;
	}
	enum crc_kind kind = kind_of(parts->algorithm);
	if (parts->parts == 1 || size != parts->shift_size) {
		parts->shift = crc_shift(kind, size);
		parts->shift_size = size;
	}
	parts->crc = crc_combine(kind, parts->crc, read_crc(value), parts->shift);
	return true;
}

void aws_checksum_parts_finish(
	struct aws_checksum_parts *parts, struct aws_checksum_value *ret_value)
{
	if (parts->type == AWS_CHECKSUM_COMPOSITE) {
		aws_hash_finish(&parts->hash, ret_value);
		ret_value->parts = parts->parts;
	} else {
		*ret_value = (struct aws_checksum_value){
			.algorithm = parts->algorithm, .size = algorithms[parts->algorithm].size};
		write_crc(ret_value, parts->crc);
	}
	aws_checksum_parts_done(parts);
}

void aws_checksum_parts_done(struct aws_checksum_parts *parts)
{
	aws_hash_done(&parts->hash);
	*parts = (struct aws_checksum_parts){0};
}
