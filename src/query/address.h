/* address: the types IPADDRESS and IPPREFIX of Trino (documentation, "Data types", "Network
 * address", and "IP address functions") in DuckDB: 16 bytes in the order of the network, IPv4 in
 * its mapped form, and for a prefix one more with its length, so that they compare as Trino's do.
 * Casts from and to text, and as functions:
 *   trino_contains(prefix or its text, address or its text) -> BOOLEAN
 *   ip_prefix(address or its text, length) -> IPPREFIX, the length in the address's own form
 *   ip_subnet_min, ip_subnet_max(prefix) -> IPADDRESS
 *   is_subnet_of(prefix, address or prefix) -> BOOLEAN
 * Blocks: no. */
#pragma once

#include "base/buf.h"
#include "base/duckdb.h"
#include "base/err.h"
#include "base/str.h"

#define QUERY_ADDRESS_TYPE "IPADDRESS"
#define QUERY_PREFIX_TYPE  "IPPREFIX"

int query_address_register(duckdb_connection connection, struct err *err);
/* A value of either type as text. */
void query_address_add(struct buf *buf, struct str bytes);
