/* TLS over the port's socket, with Mbed TLS. */
#include "net/tls.h"

#include <string.h>

#include <mbedtls/net_sockets.h>
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
#include <mbedtls/memory_buffer_alloc.h>
#endif

#include "net/tls_reason.h"
#include "net/tls_verify.h"
#include "port/log.h"

#define TAG "TLS"

/* ---- The arena ------------------------------------------------------------------------------- */

void tls_setup_arena(void *arena, size_t size)
{
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C)
    mbedtls_memory_buffer_alloc_init(arena, size);
#else
    (void)arena;
    (void)size;
#endif
}

size_t tls_arena_high_water(void)
{
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C) && defined(MBEDTLS_MEMORY_DEBUG)
    size_t used, blocks;
    mbedtls_memory_buffer_alloc_max_get(&used, &blocks);
    return used;
#else
    return 0;
#endif
}

size_t tls_arena_used(void)
{
#if defined(MBEDTLS_MEMORY_BUFFER_ALLOC_C) && defined(MBEDTLS_MEMORY_DEBUG)
    size_t used, blocks;
    mbedtls_memory_buffer_alloc_cur_get(&used, &blocks);
    return used;
#else
    return 0;
#endif
}

/* ---- What Mbed TLS asks of us ---------------------------------------------------------------- */

static int give_random(void *unused, unsigned char *data, size_t length)
{
    (void)unused;
    return port_random(data, length) == OTTER_OK ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

/* The socket's error, for Mbed TLS. */
static int lost(int error)
{
    return error == OTTER_E_CLOSED ? MBEDTLS_ERR_SSL_CONN_EOF : MBEDTLS_ERR_NET_CONN_RESET;
}

static int send_bytes(void *ctx, const unsigned char *data, size_t length)
{
    struct tls *tls = ctx;
    const int sent = socket_send(&tls->socket, data, length);
    if (sent < 0)
        return lost(sent);
    return sent > 0 ? sent : MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* Keeps the newest bytes of the stream: Mbed TLS reads record by record, so that after an alert
 * they are its record, and the library does not give out what it said. */
static void keep_tail(struct tls *tls, const unsigned char *data, size_t length)
{
    const size_t part = length < sizeof tls->tail ? length : sizeof tls->tail;
    memmove(tls->tail, tls->tail + part, sizeof tls->tail - part);
    memcpy(tls->tail + sizeof tls->tail - part, data + length - part, part);
}

static int receive_bytes(void *ctx, unsigned char *data, size_t size)
{
    struct tls *tls = ctx;
    const int received = socket_receive(&tls->socket, data, size);
    if (received < 0)
        return lost(received);
    if (received > 0 && tls->state == TLS_HANDSHAKE)
        keep_tail(tls, data, (size_t)received);
    return received > 0 ? received : MBEDTLS_ERR_SSL_WANT_READ;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static int configure(struct tls *tls)
{
    static const int suites[] = {MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, 0};
    static const mbedtls_ecp_group_id curves[] = {MBEDTLS_ECP_DP_SECP256R1,
#ifdef MBEDTLS_ECP_DP_SECP384R1_ENABLED /* a curve that is not built in ends the handshake */
                                                  MBEDTLS_ECP_DP_SECP384R1,
#endif
                                                  MBEDTLS_ECP_DP_NONE};
    mbedtls_ssl_config *config = &tls->config;
    int error = mbedtls_ssl_config_defaults(
        config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (error)
        return error;
    mbedtls_ssl_conf_min_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_max_version(config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
    mbedtls_ssl_conf_ciphersuites(config, suites);
    mbedtls_ssl_conf_curves(config, curves);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(config, tls_verify, tls);
    mbedtls_ssl_conf_rng(config, give_random, NULL);
    error = tls_identity_configure(&tls->identity, config);
    if (error)
        return error;
    error = mbedtls_ssl_setup(&tls->ssl, config);
    if (error)
        return error;
    mbedtls_ssl_set_bio(&tls->ssl, tls, send_bytes, receive_bytes, NULL);
    /* An address is no server name (RFC 6066 section 3): tls_verify looks for it. */
    tls->address_length = ip_literal(tls->host, tls->address);
    return mbedtls_ssl_set_hostname(&tls->ssl, tls->address_length > 0 ? NULL : tls->host);
}

static otter_status prepare(struct tls *tls, struct pki *pki, uint16_t port)
{
    const otter_status status = tls_identity_open(&tls->identity, pki);
    if (status)
        return status;
    tls->detail = configure(tls);
    if (tls->detail) {
        LOG_ERR(TAG, "cannot set TLS up: %s (-0x%04x)", tls_error_text(tls->detail),
                (unsigned)-tls->detail);
        return tls_error_status(tls->detail);
    }
    return socket_connect(&tls->socket, tls->host, port);
}

otter_status tls_open(struct tls *tls, otter_ms now, struct pki *pki, const char *host,
                      uint16_t port, uint32_t timeout_ms)
{
    tls_close(tls);
    memset(tls, 0, sizeof *tls);
    mbedtls_ssl_init(&tls->ssl);
    mbedtls_ssl_config_init(&tls->config);
    tls->state = TLS_CONNECTING;
    tls->deadline = now + timeout_ms;
    tls->host = host;
    const otter_status status = prepare(tls, pki, port);
    if (status)
        tls_close(tls);
    return status;
}

/* ---- The handshake --------------------------------------------------------------------------- */

static otter_status fail(struct tls *tls, otter_status error)
{
    tls->state = TLS_FAILED;
    tls->error = error;
    return error;
}

static bool would_wait(int error)
{
    return error == MBEDTLS_ERR_SSL_WANT_READ || error == MBEDTLS_ERR_SSL_WANT_WRITE;
}

/* RFC 5246 sections 6.2.1 and 7.2: type, version, length 2, level, description. Once the connection
 * is open alerts are encrypted. */
static void log_alert(const struct tls *tls)
{
    const uint8_t *record = tls->tail;
    if (tls->state == TLS_HANDSHAKE && record[0] == MBEDTLS_SSL_MSG_ALERT && record[3] == 0 &&
        record[4] == 2)
        LOG_ERR(TAG, "%s ended the connection with alert %u: %s", tls->host, (unsigned)record[6],
                tls_alert_text(record[6]));
    else
        LOG_ERR(TAG, "%s ended the connection with an alert", tls->host);
}

/* Any error of Mbed TLS, told to the user once. */
static otter_status fail_with(struct tls *tls, int error)
{
    tls->detail = error;
    if (error == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) /* tls_verify has told why */
        tls->detail = (int)mbedtls_ssl_get_verify_result(&tls->ssl);
    else if (error == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        log_alert(tls);
    else
        LOG_WRN(TAG, "connection to %s: %s (-0x%04x)", tls->host, tls_error_text(error),
                (unsigned)-error);
    return fail(tls, tls_error_status(error));
}

static void shake_hands(struct tls *tls)
{
    const int error = mbedtls_ssl_handshake(&tls->ssl);
    if (error == 0)
        tls->state = TLS_OPEN;
    else if (!would_wait(error))
        fail_with(tls, error);
}

static void follow_socket(struct tls *tls)
{
    if (tls->socket.state == SOCKET_OPEN)
        tls->state = tls->socket.secure ? TLS_OPEN : TLS_HANDSHAKE;
    else if (tls->socket.state == SOCKET_CLOSED)
        fail(tls, tls->socket.error ? tls->socket.error : OTTER_E_CLOSED);
}

enum tls_state tls_step(struct tls *tls, otter_ms now)
{
    if (tls->state == TLS_CONNECTING)
        follow_socket(tls);
    if (tls->state == TLS_HANDSHAKE)
        shake_hands(tls);
    const bool opening = tls->state == TLS_CONNECTING || tls->state == TLS_HANDSHAKE;
    if (opening && now >= tls->deadline) {
        LOG_WRN(TAG, "%s did not answer in time (%s)", tls->host,
                tls->state == TLS_HANDSHAKE              ? "TLS handshake"
                : tls->socket.state == SOCKET_LOOKING_UP ? "DNS"
                                                         : "TCP");
        fail(tls, OTTER_E_TIMEOUT);
    }
    return tls->state;
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* What a socket that is secure already has moved. */
static int moved(struct tls *tls, int count)
{
    return count >= 0 ? count : fail(tls, (otter_status)count);
}

int tls_read(struct tls *tls, void *data, size_t size)
{
    if (tls->state != TLS_OPEN)
        return OTTER_E_STATE;
    if (tls->socket.secure)
        return moved(tls, socket_receive(&tls->socket, data, size));
    const int got = mbedtls_ssl_read(&tls->ssl, data, size);
    if (got > 0)
        return got;
    if (would_wait(got))
        return 0;
    return fail_with(tls, got == 0 ? MBEDTLS_ERR_SSL_CONN_EOF : got);
}

int tls_write(struct tls *tls, const void *data, size_t length)
{
    if (tls->state != TLS_OPEN)
        return OTTER_E_STATE;
    if (tls->socket.secure)
        return moved(tls, socket_send(&tls->socket, data, length));
    /* Mbed TLS has encrypted these already and reports, once they are out, what this call offers.
     */
    if (tls->unsent > 0 && tls->unsent < length)
        length = tls->unsent;
    const int sent = mbedtls_ssl_write(&tls->ssl, data, length);
    tls->unsent = would_wait(sent) ? length : 0;
    if (sent >= 0)
        return sent;
    return would_wait(sent) ? 0 : fail_with(tls, sent);
}

bool tls_pending(const struct tls *tls)
{
    return tls->state == TLS_OPEN && mbedtls_ssl_check_pending(&tls->ssl);
}

void tls_close(struct tls *tls)
{
    if (tls->state == TLS_IDLE)
        return;
    if (tls->state == TLS_OPEN)
        (void)mbedtls_ssl_close_notify(&tls->ssl);
    if (tls->socket.state != SOCKET_IDLE)
        socket_close(&tls->socket);
    mbedtls_ssl_free(&tls->ssl);
    mbedtls_ssl_config_free(&tls->config);
    tls_identity_close(&tls->identity);
    tls->state = TLS_IDLE;
}
