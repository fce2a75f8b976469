/* Faults by name; see faults.h. */
#include "twin/modem/faults.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool modem_fault_parse(const char *const names[], const char *text, unsigned *kind, unsigned *at)
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
        *kind = i;
        *at = (unsigned)when;
        return true;
    }
    return false;
}
