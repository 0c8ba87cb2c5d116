/* crc_priv: the arithmetic of CRCs, reflected and with all ones at start and end, of width 32
 * or 64. Any thread; tables are made at the first use. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crc_kind { CRC_32, CRC_32C, CRC_64NVME, CRC_KINDS };

/* Continues crc (0 at the start) over bytes; not for CRC_32, which libdeflate does best. */
uint64_t crc_add(enum crc_kind kind, uint64_t crc, const void *bytes, size_t n);
/* What crc_add does on processors without carry-less multiplication, for the tests. */
uint64_t crc_add_portable(enum crc_kind kind, uint64_t crc, const void *bytes, size_t n);
/* What turns the CRC of A into its share in the CRC of AB, B having size bytes. */
uint64_t crc_shift(enum crc_kind kind, uint64_t size);
/* CRC of AB from those of A and B, shift being crc_shift of B's size. */
uint64_t crc_combine(enum crc_kind kind, uint64_t a, uint64_t b, uint64_t shift);
