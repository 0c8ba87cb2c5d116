#include "cli/settings.h"

#include "base/number.h"
#include "base/str.h"

int cli_settings_set_config(void *settings, const char *value, struct err *err)
{
	((struct cli_settings *)settings)->config = value;
	return cli_check_any(value, err);
}

int cli_settings_set_check(void *settings, const char *value, struct err *err)
{
	((struct cli_settings *)settings)->is_check = true;
	return 0;
}

int cli_check_any(const char *value, struct err *err)
{
	return *value ? 0 : err_set(err, ERR_USAGE, "expected a value");
}

int cli_check_url(const char *value, struct err *err)
{
	struct str url = str_from(value);

	if ((str_starts_with(url, STR("http://")) && value[7]) ||
		(str_starts_with(url, STR("https://")) && value[8]))
		return 0;
	return err_set(
		err, ERR_USAGE, "expected http:// or https:// and a host, found '%s'", value);
}

uint64_t cli_settings_number(const char *text)
{
	uint64_t number = 0;

	if (text)
		number_parse_size(str_from(text), UINT64_MAX, &number);
	return number;
}
