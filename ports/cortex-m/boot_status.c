/* otter_status_text for the bootloader, with the texts of what its own rooms say: those of
 * networks, TLS, heaps and the like are a third of a kilobyte. */
#include <stddef.h>

#include "port/status.h"

#define SAYS(value)                                                                                \
    ((value) >= OTTER_E_NOT_FOUND ||                                                               \
     ((value) <= OTTER_E_MALFORMED && (value) >= OTTER_E_UNSUPPORTED) ||                           \
     ((value) <= OTTER_E_STATE && (value) >= OTTER_E_VERSION))

/* Each text behind its number, which counts down from 0. */
#define X(name, value, text) char name##_text[SAYS(value) ? sizeof(text) : 1];
static const struct texts {
    OTTER_STATUS_LIST(X)
    char end[sizeof "unknown status"];
} texts = {
#undef X
#define X(name, value, text) __builtin_choose_expr(SAYS(value), text, ""),
    OTTER_STATUS_LIST(X) "unknown status"};
#undef X

const char *otter_status_text(otter_status status)
{
    const char *text = (const char *)&texts;
    for (; status < 0 && text < texts.end; status++)
        while (*text++ != '\0') {
        }
    return *text != '\0' ? text : texts.end;
}
