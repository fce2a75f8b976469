/* Answers of Device Defender: the first byte chooses JSON or CBOR. What is read is fit for a log.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "services/defender/defender.h"

void port_log_write(const char *line, size_t length)
{
    (void)line, (void)length;
}

otter_ms port_now(void)
{
    return 0;
}

static void require_printable(const char *text, size_t size)
{
    if (memchr(text, '\0', size) == NULL)
        abort();
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    jsmntok_t tokens[DEFENDER_TOKENS_MIN];
    struct defender_reply reply;
    if (size == 0)
        return 0;
    (void)defender_reply_read(&reply, data[0] & 1, data + 1, size - 1, tokens, DEFENDER_TOKENS_MIN);
    require_printable(reply.code, sizeof reply.code);
    require_printable(reply.message, sizeof reply.message);
    return 0;
}
