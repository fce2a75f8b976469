/* Headers of a browser's request: host, origin, cookies, and a head as it came. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/page/visitor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char value[VISITOR_SECRET_SIZE], header[64];
    char *text = malloc(size + 1); /* a byte behind it is a finding */
    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (visitor_cookie(text, "otter-4580", value) && !visitor_secret_valid(value))
        abort();
    if (visitor_origin_ours(text, 4580) && !visitor_host_ours(text + strlen("http://"), 4580))
        abort();
    if (visitor_header(text, "Cookie", header, sizeof header) && strpbrk(header, "\r\n"))
        abort();
    free(text);
    return 0;
}
