/* Where notifications may go. Whoever may set a bucket's notifications chooses where the server
 * posts, from the server's place in the network: only to hosts that its operator named. The URL is
 * taken apart by libcurl, which will also follow it, so that both see the same host. Redirects are
 * not followed (sender.c). */
#include "api/s3/s3_priv.h"

#include <curl/curl.h>
#include <strings.h>

static void url_cleanup(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void curl_text_free(char **text)
{
	curl_free(*text);
}

static char *part(CURLU *url, CURLUPart what, unsigned flags)
{
	char *text = NULL;

	return curl_url_get(url, what, &text, flags) == CURLUE_OK ? text : NULL;
}

/* Addresses as libcurl writes them; other spellings of them are refused. */
static bool is_loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       strcmp(host, "127.0.0.1") == 0;
}

/* allowed: HOST or HOST:PORT; an IPv6 address in brackets. */
static bool fits(const char *allowed, const char *host, const char *port)
{
	size_t n = strlen(host);

	if (strncasecmp(allowed, host, n) != 0)
		return false;
	return !allowed[n] || (allowed[n] == ':' && strcmp(allowed + n + 1, port) == 0);
}

bool s3_webhook_may(const struct s3 *s3, struct str text)
{
	_cleanup_free_ char *line = mem_printf("%.*s", STR_ARG(text));
	_cleanup_(url_cleanup) CURLU *url = curl_url();
	_cleanup_(curl_text_free) char *host = NULL, *port = NULL, *user = NULL;

	if (!url || strlen(line) != text.n ||
		curl_url_set(url, CURLUPART_URL, line, 0) != CURLUE_OK)
		return false;
	host = part(url, CURLUPART_HOST, 0);
	port = part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	user = part(url, CURLUPART_USER, 0);
	if (!host || !port || user)
		return false;
	if (s3->webhooks_to_loopback && is_loopback(host))
		return true;
	for (const char *const *at = s3->webhook_hosts; at && *at; at++)
		if (fits(*at, host, port))
			return true;
	return false;
}
