/* SNTP, RFC 4330 and 5905: one packet out, one packet in. The transmit time of a request is a
 * random number (a server repeats it as the originate time), so that only who has seen the request
 * can answer it; beyond that an answer is not authenticated. */
#ifndef OTTER_SERVICES_TIME_SNTP_H
#define OTTER_SERVICES_TIME_SNTP_H

#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SNTP_PACKET_SIZE 48u
#define SNTP_NONCE_SIZE  8u
#define SNTP_PORT        123u

void sntp_request_write(uint8_t packet[SNTP_PACKET_SIZE], const uint8_t nonce[SNTP_NONCE_SIZE]);

/* The server's time in seconds since 1970, to 2106. OTTER_E_MALFORMED for what is no answer of a
 * server, OTTER_E_NOT_FOUND for an answer to another request, OTTER_E_REFUSED when the server has
 * no time itself or wants to be left alone ("kiss of death"). */
otter_status sntp_reply_read(const void *packet, size_t length,
                             const uint8_t nonce[SNTP_NONCE_SIZE], uint32_t *time_s);

#ifdef __cplusplus
}
#endif

#endif
