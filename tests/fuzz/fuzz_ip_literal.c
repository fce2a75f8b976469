/* Any text as an address: read as the C library's inet_pton does. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "net/ip_literal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[64];
    uint8_t expected[16];
    uint8_t found[IP_ADDRESS_MAX];
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    const unsigned length = inet_pton(AF_INET, text, expected) == 1    ? 4
                            : inet_pton(AF_INET6, text, expected) == 1 ? 16
                                                                       : 0;
    if (ip_literal(text, found) != length || memcmp(found, expected, length) != 0)
        abort();
    return 0;
}
