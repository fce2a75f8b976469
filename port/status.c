/* The text of each status. */
#include "port/status.h"

const char *otter_status_text(otter_status status)
{
    switch (status) {
#define X(name, value, text)                                                                       \
    case name:                                                                                     \
        return text;
        OTTER_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}
