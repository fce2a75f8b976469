/* SNTP answers: the first eight bytes are the nonce of the request. Only an answer to it is taken.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "port/log.h"
#include "port/port.h"
#include "services/time/sntp.h"

void port_log_write(const char *line, size_t length)
{
    (void)line, (void)length;
}

otter_ms port_now(void)
{
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t time_s;
    if (size < SNTP_NONCE_SIZE)
        return 0;
    const uint8_t *packet = data + SNTP_NONCE_SIZE;
    if (sntp_reply_read(packet, size - SNTP_NONCE_SIZE, data, &time_s) == OTTER_OK &&
        (size < SNTP_NONCE_SIZE + SNTP_PACKET_SIZE || memcmp(packet + 24, data, 8) != 0))
        abort();
    return 0;
}
