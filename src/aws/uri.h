/* uri: percent-encoding as AWS does it (SigV4, "UriEncode"): everything but A-Z a-z 0-9 - . _ ~ is
 * %XX with capital digits. And the parts of a query string. Any bytes, NUL included: whoever uses
 * decoded text as a name checks it. */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>

enum aws_uri_slash { AWS_URI_ENCODE_SLASH, AWS_URI_KEEP_SLASH };
enum aws_uri_plus { AWS_URI_PLUS_IS_PLUS, AWS_URI_PLUS_IS_SPACE };

void aws_uri_encode(struct buf *buf, struct str bytes, enum aws_uri_slash slash);
/* As S3's encoding-type=url answers: '/' kept, space as '+', '*' kept. */
void aws_uri_encode_listing(struct buf *buf, struct str bytes);
/* Appends the decoded bytes. False on a '%' without two hexadecimal digits; buf is then as before.
 */
bool aws_uri_decode(struct buf *buf, struct str text, enum aws_uri_plus plus);
/* The next NAME=VALUE (or NAME) of a query string or form, still encoded; empty ones are skipped.
 * False at the end. */
bool aws_uri_next_parameter(struct str *rest, struct str *ret_name, struct str *ret_value);
