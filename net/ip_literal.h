/* Internet addresses in text: "192.0.2.1" (RFC 6943 section 3.1.1, the strict form) and
 * "2001:db8::1" (RFC 4291 section 2.2). */
#ifndef OTTER_NET_IP_LITERAL_H
#define OTTER_NET_IP_LITERAL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define IP_ADDRESS_MAX 16u

/* The address in network order; its length, 4 or 16, or 0 when the text is something else, such as
 * a host name. */
unsigned ip_literal(const char *text, uint8_t address[IP_ADDRESS_MAX]);

#ifdef __cplusplus
}
#endif

#endif
