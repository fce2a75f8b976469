/* Private to net/: what Mbed TLS reports, in our status codes and in words for the log. */
#ifndef OTTER_NET_TLS_REASON_H
#define OTTER_NET_TLS_REASON_H

#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `error` is a negative Mbed TLS code. */
otter_status tls_error_status(int error);
const char *tls_error_text(int error);

/* One flag MBEDTLS_X509_BADCERT_... of a certificate that was not accepted, but for those of time.
 */
const char *tls_flag_text(uint32_t flag);

/* Description of an alert by the server, RFC 5246 section 7.2, as far as a user can help it. */
const char *tls_alert_text(unsigned alert);

#ifdef __cplusplus
}
#endif

#endif
