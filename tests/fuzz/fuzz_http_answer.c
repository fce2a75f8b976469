/* A server's answer, its head split at any byte (the first byte says where), and the same bytes as
 * a URL: reading in two pieces gives what reading at once gives, and nothing leaves its buffer. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/http_head.h"
#include "port/log.h"
#include "port/port.h"

void port_log_write(const char *line, size_t length)
{
    (void)line, (void)length;
}

otter_ms port_now(void)
{
    return 0;
}

static void must(int good)
{
    if (!good)
        abort();
}

static void read_answer(const uint8_t *data, size_t size, size_t split)
{
    struct http_head_reader whole = {0}, pieces = {0};
    size_t taken, first, second = 0;
    const otter_status at_once = http_head_read(&whole, data, size, &taken);
    otter_status status = http_head_read(&pieces, data, split, &first);
    if (status == OTTER_E_AGAIN)
        status = http_head_read(&pieces, data + split, size - split, &second);
    must(status == at_once && memcmp(&whole.head, &pieces.head, sizeof whole.head) == 0);
    must(taken <= size && (status != OTTER_OK || first + second == taken));
    must(status != OTTER_OK || whole.head.status >= 200);
}

/* What it takes makes one request: no line more than were meant. */
static void read_url(const uint8_t *data, size_t size)
{
    static char text[HTTP_URL_MAX + 64];
    static struct http_target target;
    jsmntok_t tokens[8];
    struct json json;
    if (size > HTTP_URL_MAX + 40)
        return;
    memcpy(text, "{\"url\":\"", 8);
    memcpy(text + 8, data, size);
    memcpy(text + 8 + size, "\"}", 2);
    if (json_parse(&json, text, size + 10, tokens, 8) != OTTER_OK ||
        http_target_read(&target, "GET ", &json, json_find(&json, 0, "url")) != OTTER_OK)
        return;
    http_target_end(&target, "Range: bytes=%lu-%lu", UINT32_MAX, UINT32_MAX);
    must(target.length < sizeof target.request && target.port > 0 &&
         strlen(target.host) <= HTTP_HOST_MAX);
    unsigned lines = 0;
    for (unsigned i = 0; i < target.length; i++)
        lines += target.request[i] == '\n';
    must(lines == 4 && memcmp(target.request + target.length - 4, "\r\n\r\n", 4) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    read_answer(data + 1, size - 1, data[0] % size);
    read_url(data + 1, size - 1);
    return 0;
}
