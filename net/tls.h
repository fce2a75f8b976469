/* TLS 1.2 client over a port's socket, with a client certificate and the server's name
 * checked against the certificate (and sent as SNI). A server named by its address must have that
 * address in its certificate (subjectAltName iPAddress). Built on Mbed TLS 2.28.
 *
 * Where Mbed TLS is built with its buffer allocator (on the target) its heap is the fixed arena
 * given to tls_setup_arena, whose high-water mark is reported; elsewhere (Debian's library on the
 * host) it uses the C heap, and the two functions do nothing and report 0.
 *
 * Where the socket is secure already (the modem ends TLS), nothing is put on top: the same
 * functions then pass the bytes through, and the handshake is the modem's.
 *
 * Non-blocking: call tls_step until it is TLS_OPEN or TLS_FAILED, then tls_read and tls_write. What
 * went wrong is logged where it is found, in words that name the object or the server's reason. */
#ifndef OTTER_NET_TLS_H
#define OTTER_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/ssl.h>

#include "net/ip_literal.h"
#include "net/tls_identity.h"
#include "port/port.h"
#include "port/socket.h"

#ifdef __cplusplus
extern "C" {
#endif

enum tls_state { TLS_IDLE = 0, TLS_CONNECTING, TLS_HANDSHAKE, TLS_OPEN, TLS_FAILED };

#define TLS_ALERT_SIZE 7u /* a record with an alert in the clear */

/* Zeroed memory is a closed connection. It must not be moved while it is open. */
struct tls {
    enum tls_state state;
    otter_status error; /* why TLS_FAILED */
    int detail;         /* Mbed TLS code or verify flags, for the log */
    struct socket socket;
    otter_ms deadline; /* of connect and handshake together */
    const char *host;
    uint8_t address[IP_ADDRESS_MAX]; /* that `host` is, when it is one */
    uint8_t tail[TLS_ALERT_SIZE];    /* the newest bytes received in the handshake */
    unsigned address_length;
    size_t unsent; /* bytes that a tls_write has encrypted but not sent: see there */
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct tls_identity identity;
};

/* Once, before anything else uses Mbed TLS. */
/* Who judges certificates' dates where Mbed TLS knows no time (on the boards), and beside it where
 * it does: false makes a certificate that is valid from..to, in seconds since 1970, count as
 * expired. Asked for each but the trusted root. NULL, as at first: nobody. */
typedef bool tls_dates_judge(void *ctx, uint64_t from_s, uint64_t to_s);
void tls_set_dates_judge(tls_dates_judge *judge, void *ctx);

void tls_setup_arena(void *arena, size_t size);
size_t tls_arena_high_water(void);
size_t tls_arena_used(void);

/* Takes root_ca_cert, tls_cert and a handle to tls_key_priv from `pki` and starts to connect.
 * OTTER_E_NOT_FOUND when one is missing (the log names it). `host` and `pki` must outlive the
 * connection. After an error the connection is closed. */
otter_status tls_open(struct tls *tls, otter_ms now, struct pki *pki, const char *host,
                      uint16_t port, uint32_t timeout_ms);
/* Goes on as far as it can without waiting. `error` after TLS_FAILED: OTTER_E_TIMEOUT,
 * OTTER_E_CLOSED, OTTER_E_CERTIFICATE (the server's is not accepted; the log says why),
 * OTTER_E_REFUSED (the server sent an alert), OTTER_E_MEMORY, OTTER_E_CRYPTO, or that of the
 * socket. */
enum tls_state tls_step(struct tls *tls, otter_ms now);
/* Bytes moved, 0 when none can be moved now, or a negative status: the state is then TLS_FAILED. */
int tls_read(struct tls *tls, void *data, size_t size);
/* As tls_read. After 0 the next call must offer the same bytes again, perhaps with more behind. */
int tls_write(struct tls *tls, const void *data, size_t length);
/* True when tls_read has something without the network: do not sleep. */
bool tls_pending(const struct tls *tls);
/* Sends close_notify when it can, frees everything. Safe in any state. */
void tls_close(struct tls *tls);

#ifdef __cplusplus
}
#endif

#endif
