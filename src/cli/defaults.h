/* defaults: where things lie when the user does not say. */
#pragma once

/* The server's data: $NAGARE_DATA_DIR, or /var/lib/nagare when that exists or the user is root, or
 * else $XDG_DATA_HOME/nagare (~/.local/share/nagare). Freed with free(). */
char *cli_default_data(void);
/* The bucket folder that `nagare run` writes to and `nagare query` reads: objects/nagare-flow-logs
 * below that. Freed with free(). */
char *cli_default_bucket(void);
/* The folder for what a user's sessions leave behind: $XDG_STATE_HOME/nagare or
 * ~/.local/state/nagare; NULL without a home. Freed with free(). */
char *cli_state_folder(void);
