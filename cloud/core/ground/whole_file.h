/* Small files that other programs read. */
#ifndef OTTER_CLOUD_CORE_GROUND_WHOLE_FILE_H
#define OTTER_CLOUD_CORE_GROUND_WHOLE_FILE_H

#include <stdbool.h>

/* Writes under another name first, and renames: a reader sees all of it or nothing. Mode 0600.
 * False, with errno, leaving what was there. */
bool whole_file_write(const char *path, const char *text);

#endif
