/* The word a user probably meant. */
#ifndef OTTER_TOOL_NEAREST_H
#define OTTER_TOOL_NEAREST_H

#include <stddef.h>

/* How many letters must be changed, added or dropped to get from one word to the other; words of
 * more than 31 letters are just far apart. */
size_t nearest_distance(const char *typed, const char *word);

/* Is the word within a few typing errors of what was typed? */
int nearest_is_close(size_t distance, const char *word);

#endif
