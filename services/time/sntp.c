/* SNTP packets; see sntp.h. */
#include "services/time/sntp.h"

#include <stdbool.h>
#include <string.h>

#define MODE_CLIENT    3u
#define MODE_SERVER    4u
#define VERSION        4u
#define UNSYNCHRONIZED 3u /* of the leap indicator */
#define STRATUM_MAX    15u
#define AT_ORIGINATE   24u
#define AT_TRANSMIT    40u
#define FROM_1900      2208988800u /* seconds from 1900 to 1970 */

void sntp_request_write(uint8_t packet[SNTP_PACKET_SIZE], const uint8_t nonce[SNTP_NONCE_SIZE])
{
    memset(packet, 0, SNTP_PACKET_SIZE);
    packet[0] = (uint8_t)(VERSION << 3 | MODE_CLIENT);
    memcpy(packet + AT_TRANSMIT, nonce, SNTP_NONCE_SIZE);
}

otter_status sntp_reply_read(const void *data, size_t length, const uint8_t nonce[SNTP_NONCE_SIZE],
                             uint32_t *time_s)
{
    const uint8_t *packet = data;
    if (length < SNTP_PACKET_SIZE || (packet[0] & 7u) != MODE_SERVER)
        return OTTER_E_MALFORMED;
    if (memcmp(packet + AT_ORIGINATE, nonce, SNTP_NONCE_SIZE) != 0)
        return OTTER_E_NOT_FOUND;
    const uint8_t *at = packet + AT_TRANSMIT;
    const uint32_t seconds =
        (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    const bool has_time = packet[0] >> 6 != UNSYNCHRONIZED && packet[1] != 0 &&
                          packet[1] <= STRATUM_MAX && seconds != 0;
    if (!has_time)
        return OTTER_E_REFUSED;
    *time_s = seconds - FROM_1900; /* modulo 2^32: from 2036 on it is the next era's */
    return OTTER_OK;
}
