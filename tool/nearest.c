/* The word a user probably meant: Levenshtein distance, one row at a time. */
#include "tool/nearest.h"

#include <string.h>

enum { LONGEST = 31 };

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

size_t nearest_distance(const char *typed, const char *word)
{
    size_t length = strlen(word);
    size_t row[LONGEST + 1];

    if (strlen(typed) > LONGEST || length > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 1; typed[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t changed = diagonal + (typed[i - 1] != word[j - 1]);
            diagonal = row[j];
            row[j] = smallest(changed, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[length];
}

int nearest_is_close(size_t distance, const char *word)
{
    /* Farther than three typing errors, or half of it wrong, is another word. */
    return distance <= 3 && 2 * distance <= strlen(word);
}
