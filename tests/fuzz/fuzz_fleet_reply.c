/* Answers of fleet provisioning as the device reads them: the first byte says whether in CBOR. */
#include <stdlib.h>
#include <string.h>

#include "codec/document.h"
#include "port/log.h"
#include "port/port.h"
#include "services/fleet/enrol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

otter_ms port_now(void)
{
    return 0;
}

otter_status port_random(void *data, size_t length)
{
    memset(data, 1, length);
    return OTTER_OK;
}

static void require(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"certificateOwnershipToken", "thingName", "errorCode",
                                        "certificatePem"};
    jsmntok_t tokens[ENROL_TOKENS];
    struct document reply;
    char text[ENROL_TOKEN_MAX + 1];
    const char *raw;
    size_t length;
    if (size == 0 ||
        document_read(&reply, data[0] & 1, data + 1, size - 1, tokens, ENROL_TOKENS) != OTTER_OK)
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (document_text(&reply, names[i], text, sizeof text) == OTTER_OK)
            require(strlen(text) < sizeof text);
        if (document_raw_text(&reply, names[i], &raw, &length) == OTTER_OK)
            require(raw >= (const char *)data && raw + length <= (const char *)data + size);
    }
    return 0;
}
