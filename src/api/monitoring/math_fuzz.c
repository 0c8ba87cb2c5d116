/* Any text as an expression of metric math, a search or a query of Metrics Insights, or as a
 * statistic and a label: refused with words, or series whose times grow and whose values are
 * finite. */
#include "api/monitoring/monitoring_priv.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { START = 1700000000, MINUTES = 5 };

/* A few metrics, in a database that goes with the process. */
static struct store_metrics *metrics_of_test(void)
{
	static struct store_metrics *metrics;
	struct store_database *database;
	struct err err = ERR_INIT;
	char path[] = "/tmp/nagare-math-fuzz-XXXXXX";
	char dimensions[] = "[{\"Name\":\"Host\",\"Value\":\"a\"}]";

	if (metrics)
		return metrics;
	int fd = mkstemp(path);
	assert(fd >= 0 && store_database_open(&database, path, &err) == 0 &&
		store_metrics_open(&metrics, database, &err) == 0);
	close(fd);
	unlink(path);
	for (int i = 0; i < MINUTES; i++) {
		const struct store_metric_value value = {i + 1, 1};
		const struct store_metric_datum datum = {.name_space = STR("Own"),
			.name = STR("bytesRead"),
			.dimensions = str_from(i % 2 ? dimensions : "[]"),
			.unit = STR("None"),
			.time = START + 60 * i,
			.count = 1,
			.sum = i + 1,
			.min = i + 1,
			.max = i + 1,
			.values = &value,
			.values_count = 1};
		assert(store_metrics_put(metrics, &datum, 1, NULL, &err) == 0);
	}
	return metrics;
}

static void look_at(const struct monitoring_queries *queries, const struct monitoring *monitoring)
{
	const struct monitoring_label label = {.queries = queries, .monitoring = monitoring};

	for (size_t i = 0; i < queries->count; i++) {
		const struct monitoring_query *query = &queries->queries[i];
		assert(query->is_list || query->results_count <= 1);
		for (size_t n = 0; n < query->results_count; n++) {
			const struct monitoring_series *series = &query->results[n];
			for (size_t at = 0; at < series->count; at++) {
				assert(isfinite(series->values[at]));
				assert(!at || series->times[at - 1] < series->times[at]);
			}
			free(monitoring_label_of(&label, query, series));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct monitoring monitoring = {
		.region = (char *)"us-east-1", .account = (char *)"000000000000"};
	struct err err = ERR_INIT;
	struct aws_error error = {.code = AWS_ERROR_NONE};
	struct monitoring_queries queries = {.metrics = metrics_of_test(),
		.start = START,
		.end = START + 60 * MINUTES,
		.err = &err};
	struct monitoring_statistic statistic;

	monitoring_parse_statistic((struct str){(const char *)data, size}, &statistic);
	json_t *text = json_stringn((const char *)data, size);
	if (!text)
		return 0;
	json_t *input = json_pack("[{s:s, s:{s:{s:s, s:s}, s:i, s:s}}, {s:s, s:O, s:O, s:i}]", "Id",
		"m", "MetricStat", "Metric", "Namespace", "Own", "MetricName", "bytesRead",
		"Period", 60, "Stat", "Sum", "Id", "e", "Expression", text, "Label", text, "Period",
		60);
	if (monitoring_queries_run(&queries, input, &error) < 0)
		assert(error.code != AWS_ERROR_NONE && error.message[0]);
	else
		look_at(&queries, &monitoring);
	monitoring_queries_done(&queries);
	json_decref(input);
	json_decref(text);
	return 0;
}
