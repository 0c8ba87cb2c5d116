/* columns_priv: the parts of the view over Parquet objects. */
#pragma once

#include "query/session_priv.h"
#include "record/parquet_footer.h"

/* Appends " WHERE ..." with what of the filter can be said of the shape's own columns; nothing when
 * there is no such thing. filter may be NULL. */
void query_columns_filter(
	struct buf *buf, const struct query_shape *shape, const struct query_filter *filter);
/* May a row group of an object of this shape hold a row that the filter lets through, by the
 * statistics of its columns? */
bool query_columns_may_hold(const struct query_shape *shape, const struct query_filter *filter,
	const struct record_parquet_part *parts, size_t count);
