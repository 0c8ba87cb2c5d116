/* columns_priv: the parts of the view over Parquet objects. */
#pragma once

#include "query/session_priv.h"

/* Appends " WHERE ..." with what of the filter can be said of the shape's own columns; nothing when
 * there is no such thing. filter may be NULL. */
void query_columns_filter(
	struct buf *buf, const struct query_shape *shape, const struct query_filter *filter);
