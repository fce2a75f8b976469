/* Heads of HTTP requests as they come from a socket. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *head = malloc(size ? size : 1); /* a byte behind it is a finding */
    if (!head)
        abort();
    memcpy(head, data, size);
    const char *fault = head_fault(head, size);
    if (!fault && size > 0 && memchr(head, 0, size))
        abort();
    free(head);
    return 0;
}
