/* /healthz and /metrics, for whoever watches the server; a signed request for these paths is S3's,
 * where they are buckets. */
#include "api/http/http_priv.h"

static bool may_see_metrics(const struct request *request)
{
	switch (request->server->settings.metrics) {
	case API_METRICS_TO_LOOPBACK:
		return request->client->is_loopback;
	case API_METRICS_TO_ALL:
		return true;
	default:
		return false;
	}
}

bool pages_answer(struct request *request)
{
	struct api_exchange *exchange = &request->exchange;
	struct str path = exchange->request.path;
	_cleanup_buf_ struct buf text = {0};
	bool is_health = str_equal(path, STR("/healthz"));

	if ((!is_health && !str_equal(path, STR("/metrics"))) || exchange->bucket_host.n ||
		exchange->request.query.n || api_header(exchange, STR("authorization")).p)
		return false;
	if (!str_equal(exchange->request.method, STR("GET")) &&
		!str_equal(exchange->request.method, STR("HEAD")))
		return false;
	if (!is_health && !may_see_metrics(request))
		return false;
	exchange->operation = is_health ? "Health" : "Metrics";
	request_make_ids(request);
	api_answer_header(exchange, "Cache-Control", STR("no-store"));
	if (is_health)
		buf_add_text(&text, "ok\n");
	else
		metrics_write(request->server->metrics, &text);
	api_answer_bytes(exchange, 200,
		is_health ? "text/plain; charset=utf-8"
			  : "text/plain; version=0.0.4; charset=utf-8",
		&text);
	return true;
}
