/* run: a modelled service (service->shape is set) at work in the server: from an exchange to the
 * operation's handler and back.
 *
 * In order: the body is read whole (at most service->body_max); the protocol and the operation are
 * found; the input is read and checked; the operation's `about` says what the call is about and
 * api_authorize whether the caller may; the handler runs, on a worker; its output or its error is
 * written. Every failure on the way is answered in the protocol's form. */
#pragma once

#include "api/exchange.h"
#include "api/service.h"

/* The begin of every modelled service: what the server calls where a service has no begin of its
 * own. Never fails. */
int protocol_begin(struct api_exchange *exchange, struct aws_error *error);
/* What api_answer_error does for a modelled service, at any point of the exchange. */
void protocol_answer_error(struct api_exchange *exchange, const struct aws_error *error);
