/* Faults by name; see setup.h. */
#include "twin/modem/setup.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool modem_setup_fault(struct modem_setup *setup, const char *const names[], const char *text)
{
    const size_t length = strcspn(text, "@");
    unsigned long when = 1;
    if (text[length] == '@') {
        char *end;
        when = strtoul(text + length + 1, &end, 10);
        if (end == text + length + 1 || *end != '\0' || when == 0 || when > 1000000)
            return false;
    }
    for (unsigned i = 1; names[i] != NULL; i++) {
        if (strlen(names[i]) != length || strncmp(names[i], text, length) != 0)
            continue;
        setup->fault = i;
        setup->fault_at = (unsigned)when;
        return true;
    }
    return false;
}
