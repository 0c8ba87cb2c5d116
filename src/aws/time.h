/* time: moments as AWS's protocols write them. A moment is milliseconds since the Unix epoch, UTC,
 * of the years 0001 to 9999. Any thread; no locale, no time zone data. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define AWS_TIME_STR_MAX 29 /* the longest form, no NUL */

/* 20130524T000000Z (SigV4, X-Amz-Date). Nothing else is taken. */
bool aws_time_parse_basic(struct str text, int64_t *ret_ms);
/* 2013-05-24T00:00:00Z with up to nine digits of fraction (cut to milliseconds), 'Z', +hh:mm or
 * -hh:mm; also the basic form and a date alone. */
bool aws_time_parse_iso8601(struct str text, int64_t *ret_ms);
/* The three forms of RFC 9110, section 5.6.7: "Fri, 24 May 2013 00:00:00 GMT", RFC 850, asctime;
 * the first also with +hhmm for GMT (RFC 1123). */
bool aws_time_parse_http(struct str text, int64_t *ret_ms);
/* Any of the above, or seconds since the epoch with an optional fraction. */
bool aws_time_parse(struct str text, int64_t *ret_ms);

/* Each writes at p (room for AWS_TIME_STR_MAX), no NUL, and returns the place behind it. */
char *aws_time_write_basic(char *p, int64_t ms);   /* 20130524T000000Z */
char *aws_time_write_iso8601(char *p, int64_t ms); /* 2013-05-24T00:00:00Z */
char *aws_time_write_millis(char *p, int64_t ms);  /* 2013-05-24T00:00:00.000Z: S3, EC2 */
char *aws_time_write_http(char *p, int64_t ms);    /* Fri, 24 May 2013 00:00:00 GMT */
