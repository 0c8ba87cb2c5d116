/* Any bytes as a Parquet footer, a text and a schedule: read or refused, in bounds. */
#include "api/glue/crawlers_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str bytes = {(const char *)data, size};
	struct glue_class class = {0};
	struct glue_cron cron;

	if (glue_classify_footer(bytes, &class))
		glue_class_done(&class);
	glue_classify_text(bytes, &class);
	glue_class_done(&class);
	if (glue_cron_parse(bytes, &cron))
		glue_cron_next(&cron, 0);
	return 0;
}
