/* defaults: where things lie when the user does not say. */
#pragma once

/* The server's data: $NAGARE_DATA_DIR, or /var/lib/nagare when that exists or the user is root, or
 * else $XDG_DATA_HOME/nagare (~/.local/share/nagare). Freed with free(). */
char *cli_default_data(void);
/* The bucket folder that `nagare run` writes to: objects/nagare-flow-logs below that. Freed with
 * free(). */
char *cli_default_bucket(void);
/* Where `nagare query` looks: the bucket that `nagare up` delivers to, buckets/nagare-flow-logs,
 * when it is there, else the one above. Freed with free(). */
char *cli_default_query_bucket(void);
/* The folder for what can be made again: $XDG_CACHE_HOME/nagare or ~/.cache/nagare; NULL without a
 * home. Freed with free(). */
char *cli_cache_folder(void);
/* The folder for what a user's sessions leave behind: $XDG_STATE_HOME/nagare or
 * ~/.local/state/nagare; NULL without a home. Freed with free(). */
char *cli_state_folder(void);
