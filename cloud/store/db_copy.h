/* A copy of the database of a cloud that may be running, and whether such a copy is whole. */
#ifndef OTTER_CLOUD_STORE_DB_COPY_H
#define OTTER_CLOUD_STORE_DB_COPY_H

#include <stdbool.h>
#include <stddef.h>

#define DB_COPY_NAME "otter.db"

/* Copies DIRECTORY/otter.db, as it is after some commit, to `path`, which must not exist. Whoever
 * uses the database goes on. False with the reason. */
bool db_copy(const char *directory, const char *path, char *reason, size_t size);

/* SQLite finds nothing wrong with the file. False with the reason. */
bool db_copy_check(const char *path, char *reason, size_t size);

#endif
