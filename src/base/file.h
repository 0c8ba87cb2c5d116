/* file: whole files, written so that a reader or a crash sees all of one or nothing. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* Reads a file of at most max bytes; more is an error that names the limit. */
int file_read(const char *path, size_t max, struct buf *ret_bytes, struct err *err);
/* mkdir -p with this mode for what is missing. */
int file_make_folders(const char *path, mode_t mode, struct err *err);

/* A file under construction. It has no name a reader would look at until file_commit: a hidden
 * ".NAME.XXXXXX.part" in the folder of its later name. */
struct file_draft {
	int fd;
	char *path;
	char *draft_path;
};
#define FILE_DRAFT_INIT                                                                            \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Creates missing folders (mode 0750) and the draft (mode 0640). */
int file_draft_open(struct file_draft *ret_draft, const char *path, struct err *err);
int file_draft_write(struct file_draft *draft, struct str bytes, struct err *err);
/* Data synchronised, renamed to its name, folder synchronised: after 0 the file survives kill -9
 * and power loss, before it nothing shows. FILE_DRAFT_EXISTS when the name is taken and !replace:
 * it is a draft as before. */
enum { FILE_DRAFT_EXISTS = 1 };
int file_draft_commit(struct file_draft *draft, bool replace, struct err *err);
/* Removes the draft if it was not committed. A zeroed or FILE_DRAFT_INIT draft is fine. */
void file_draft_done(struct file_draft *draft);
/* Removes drafts under folder (all levels) that a killed process left behind; those of a process
 * that lives are locked (flock) and stay. */
int file_remove_drafts(const char *folder, struct err *err);
