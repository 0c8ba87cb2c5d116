/* spool_table_priv: how the end of a file of the spool is written and read. */
#pragma once

#include "deliver/spool_priv.h"

/* Appends a batch to the table of a file under construction. */
void spool_table_add(struct buf *table, const struct spool_batch *batch);
/* Ends the table and appends everything that stands behind the bodies. */
void spool_table_end(struct buf *table, uint32_t count, struct buf *ret_end);
/* Exactly n bytes; the messages say "it" for the file. */
int spool_read_at(int fd, void *bytes, size_t n, uint64_t offset, struct err *err);
