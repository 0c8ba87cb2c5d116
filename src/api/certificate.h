/* certificate: the server's own TLS certificate, for who has none: an EC key of P-256 and a
 * certificate that it signs itself, for localhost, *.localhost, 127.0.0.1, ::1 and the machine's
 * name, valid for 398 days. Clients are told to trust it (AWS_CA_BUNDLE=PATH). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Certificate and key in one PEM file, mode 0600: what it holds, made when it is not there or ends
 * within a week. */
int api_certificate_own(const char *path, struct buf *ret_pem, struct err *err);
