/* json_priv: the JSON that deliveries write. Reading is jansson's. */
#pragma once

#include "base/buf.h"

/* Appends s as a JSON string with its quotes; bytes beyond ASCII go as they are (UTF-8). */
void deliver_json_add_string(struct buf *buf, struct str s);
