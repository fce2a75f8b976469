/* Whole files in and out. */
#ifndef OTTER_TOOL_FILE_H
#define OTTER_TOOL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tool/bytes.h"
#include "tool/failure.h"

/* No firmware, flash file or key is larger; keeps a wrong file name from filling the memory. */
#define FILE_SIZE_MAX (256u << 20)

/* Replaces `content` by the file's. */
otter_status file_read(const char *path, struct bytes *content, struct failure *failure);

/* Writes a temporary file beside `path`, with the permissions `mode` less the umask, and renames
 * it: at any time `path` is absent, old or complete. A file that is there keeps its mode (a private
 * one, `mode` 0600, is private afterwards); one that is read-only is refused. Links are followed.
 * A device, a pipe, or a file with several names is written to directly. */
otter_status file_write(const char *path, const void *data, size_t size, mode_t mode,
                        struct failure *failure);

/* Writes to `path`, or to stdout when it is NULL. */
otter_status file_write_or_print(const char *path, const struct bytes *content,
                                 struct failure *failure);

bool file_exists(const char *path);

/* Does the name end in ".hex", in any case? Such files are Intel HEX. */
bool file_is_hex(const char *path);

#endif
