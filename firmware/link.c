/* One turn of the link: the session's state decides what is asked of the transport. */
#include "firmware/link.h"

#include <string.h>

#include "firmware/tuning.h"
#include "port/log.h"

#define SEND_RETRY_MS   5u /* when TCP did not take all output at once */
#define READ_CHUNK      512u
#define LINK_NO_ENTROPY "this board's source of randomness does not work"
/* Reads in one turn of the loop: enough for a whole block, few enough to stay responsive. */
#define READS_PER_TICK 16u

static otter_status draw(void *ctx, uint32_t *bits)
{
    (void)ctx;
    return port_random(bits, sizeof *bits);
}

static bool copy_text(char *to, size_t size, const char *from)
{
    const size_t length = strlen(from);
    if (length == 0 || length >= size)
        return false;
    memcpy(to, from, length + 1);
    return true;
}

void link_init(struct link *link, struct pki *pki, const struct link_config *wanted, otter_ms now)
{
    memset(link, 0, sizeof *link);
    link->pki = pki;
    link->port = wanted->port;
    const bool hosted = copy_text(link->host, sizeof link->host, wanted->host);
    const bool named = copy_text(link->client_id, sizeof link->client_id, wanted->client_id);
    link->provisioned = hosted && named;
    const struct mqtt_config config = {
        .client_id = link->client_id,
        .user_name = "?SDK=Otter&Version=0.1.0",
        .version = wanted->version,
        .keep_alive_s = TUNE_KEEP_ALIVE_S,
        .backoff_base_ms = TUNE_BACKOFF_BASE_MS,
        .backoff_cap_ms = TUNE_BACKOFF_CAP_MS,
        .connack_timeout_ms = TUNE_CONNACK_TIMEOUT_MS,
        .ack_timeout_ms = TUNE_ACK_TIMEOUT_MS,
        .random = draw,
        .input = link->input,
        .input_size = sizeof link->input,
        .output = link->output,
        .output_size = sizeof link->output,
    };
    mqtt_init(&link->mqtt, &config);
    if (wanted->spread_ms > 0)
        mqtt_delay_start(&link->mqtt, now, wanted->spread_ms);
}

/* `why` NULL: the session knows. */
static void drop(struct link *link, otter_ms now, const char *why)
{
    tls_close(&link->tls);
    mqtt_transport_down(&link->mqtt, now);
    link->fault = why != NULL ? why : otter_status_text(link->mqtt.error);
}

/* TLS without randomness is none, and a TCP connection that comes to nothing burdens both sides. */
static bool has_entropy(struct link *link, otter_ms now)
{
    uint32_t bits;
    if (draw(NULL, &bits) == OTTER_OK)
        return true;
    LOG_ERR("NET", "not connecting to %s:%u: " LINK_NO_ENTROPY, link->host, (unsigned)link->port);
    drop(link, now, LINK_NO_ENTROPY);
    return false;
}

static void open_transport(struct link *link, otter_ms now)
{
    if (!has_entropy(link, now))
        return;
    LOG_INF("NET", "connecting to %s:%u", link->host, (unsigned)link->port);
    const otter_status status =
        tls_open(&link->tls, now, link->pki, link->host, link->port, TUNE_OPEN_TIMEOUT_MS);
    if (status != OTTER_OK) {
        LOG_ERR("NET", "cannot connect to %s:%u: %s", link->host, (unsigned)link->port,
                otter_status_text(status));
        drop(link, now, otter_status_text(status));
    }
}

static void open_further(struct link *link, otter_ms now)
{
    const enum tls_state state = tls_step(&link->tls, now);
    if (state == TLS_OPEN) {
        LOG_INF("NET", "TLS open with %s", link->host);
        mqtt_transport_up(&link->mqtt, now);
    } else if (state == TLS_FAILED) {
        LOG_ERR("NET", "no TLS connection to %s:%u: %s", link->host, (unsigned)link->port,
                otter_status_text(link->tls.error));
        drop(link, now, otter_status_text(link->tls.error));
    }
}

static bool write_some(struct link *link, otter_ms now)
{
    const uint8_t *data;
    size_t waiting = mqtt_output(&link->mqtt, &data);
    while (waiting > 0) {
        const int sent = tls_write(&link->tls, data, waiting);
        if (sent <= 0)
            return sent == 0;
        mqtt_sent(&link->mqtt, now, (size_t)sent);
        waiting = mqtt_output(&link->mqtt, &data);
    }
    return true;
}

static bool read_some(struct link *link, otter_ms now)
{
    uint8_t chunk[READ_CHUNK];
    link->more_input = false;
    for (unsigned i = 0; i < READS_PER_TICK; i++) {
        if (!write_some(link, now)) /* the acknowledgements of what came before need the room */
            return false;
        const int got = tls_read(&link->tls, chunk, sizeof chunk);
        if (got == 0)
            return true;
        if (got < 0 || mqtt_input(&link->mqtt, now, chunk, (size_t)got) != OTTER_OK)
            return false;
    }
    link->more_input = true;
    return true;
}

static void carry(struct link *link, otter_ms now)
{
    if (!read_some(link, now) || !write_some(link, now)) {
        const bool failed = link->tls.state == TLS_FAILED;
        LOG_WRN("NET", "connection to %s lost", link->host);
        drop(link, now, failed ? otter_status_text(link->tls.error) : NULL);
    }
}

static bool is_away(const struct link *link)
{
#if OTTER_SERVICE_HTTP
    if (link->lent)
        return true;
#endif
    return !link->provisioned;
}

void link_tick(struct link *link, otter_ms now)
{
    if (is_away(link))
        return;
    mqtt_tick(&link->mqtt, now);
    switch (link->tls.state) {
    case TLS_IDLE:
        if (port_network_status() == OTTER_OK && mqtt_wants_transport(&link->mqtt, now))
            open_transport(link, now);
        break;
    case TLS_CONNECTING:
    case TLS_HANDSHAKE:
        open_further(link, now);
        break;
    case TLS_OPEN:
        carry(link, now);
        break;
    case TLS_FAILED:
        drop(link, now, otter_status_text(link->tls.error));
        break;
    }
    if (link->tls.state == TLS_OPEN && mqtt_should_close(&link->mqtt))
        drop(link, now, NULL);
}

otter_ms link_deadline(const struct link *link, otter_ms now)
{
    const uint8_t *data;
    if (is_away(link))
        return OTTER_NEVER;
    /* No event on the socket will tell of bytes that have come already. */
    if (link->tls.state == TLS_OPEN && link->more_input)
        return now;
    if (link->tls.state == TLS_OPEN && mqtt_output(&link->mqtt, &data) > 0)
        return now + SEND_RETRY_MS;
    const otter_ms session = mqtt_deadline(&link->mqtt);
    const bool opening = link->tls.state == TLS_CONNECTING || link->tls.state == TLS_HANDSHAKE;
    return opening && link->tls.deadline < session ? link->tls.deadline : session;
}

void link_close(struct link *link, otter_ms now)
{
    if (link->tls.state != TLS_OPEN)
        return;
    mqtt_disconnect(&link->mqtt, now);
    (void)write_some(link, now);
    drop(link, now, NULL);
}

#if OTTER_SERVICE_HTTP
void link_lend(struct link *link, otter_ms now)
{
    link_close(link, now);
    if (link->tls.state != TLS_IDLE)
        drop(link, now, NULL);
    link->lent = true;
}

void link_end_loan(struct link *link)
{
    tls_close(&link->tls);
    link->lent = false;
}
#endif
