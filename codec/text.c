/* Numbers and words; see text.h. */
#include "codec/text.h"

#include <stddef.h>

bool text_number(const char **at, uint32_t most, uint32_t *value)
{
    const char *const begin = *at;
    uint64_t number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        number = number * 10u + (uint64_t)(**at - '0');
        if (number > most)
            return false;
    }
    *value = (uint32_t)number;
    return *at > begin;
}

const char *text_after(const char *text, const char *begin)
{
    for (; *begin != '\0'; text++, begin++) {
        if ((*text | 0x20) != *begin)
            return NULL;
    }
    return text;
}
