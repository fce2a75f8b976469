/* The text of each status. */
#include "port/status.h"

/* The texts lie one behind the other, by number: a table of pointers takes more flash. */
#define X(name, value, text) place_of_##name,
enum { OTTER_STATUS_LIST(X) status_count };
#undef X
#define X(name, value, text)                                                                       \
    _Static_assert(place_of_##name == -(value), #name " is out of order in OTTER_STATUS_LIST");
OTTER_STATUS_LIST(X)
#undef X

const char *otter_status_text(otter_status status)
{
#define X(name, value, text) text "\0"
    static const char texts[] = OTTER_STATUS_LIST(X) "unknown status";
#undef X
    const char *text = texts;
    unsigned before = 0u - (unsigned)status;
    if (before > status_count)
        before = status_count;
    for (; before > 0; before--) {
        while (*text++ != '\0') {
        }
    }
    return text;
}
