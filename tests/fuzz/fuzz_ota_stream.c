/* Data and error messages of a file stream as the update agent reads them. */
#include <stdlib.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "services/ota/source_stream.h"

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

otter_ms port_now(void)
{
    return 0;
}

static void require(bool good)
{
    if (!good)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ota_file file = {.size = 5 * 16 + 7, .block_size = 16, .id = 0};
    struct ota_block block;
    char text[104];
    if (ota_block_read(&file, data, size, &block) == OTTER_OK) {
        require(block.number <= 5 && block.length == (block.number < 5 ? 16u : 7u));
        require(block.data >= data && block.data + block.length <= data + size);
    }
    (void)ota_stream_refused(data, size, text, sizeof text);
    require(strlen(text) < sizeof text && strchr(text, '"') == NULL);
    return 0;
}
