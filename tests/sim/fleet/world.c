/* The world of the tests of fleet provisioning on the device; see world.h. */
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <mbedtls/sha256.h>
#include <mbedtls/x509_crt.h>

#include "cloud_side.h"
#include "port/log.h"
#include "store/config.h"

struct world w;

/* ---- The port -------------------------------------------------------------------------------- */

otter_ms port_now(void)
{
    return w.now;
}

otter_status port_random(void *data, size_t length)
{
    return getrandom(data, length, 0) == (ssize_t)length ? OTTER_OK : OTTER_E_CRYPTO;
}

otter_status port_unique_id(uint32_t id[PORT_UNIQUE_ID_WORDS])
{
    if (!w.chip_has_id)
        return OTTER_E_NOT_FOUND;
    for (unsigned i = 0; i < PORT_UNIQUE_ID_WORDS; i++)
        id[i] = 0x0badcafeu + i;
    return OTTER_OK;
}

void port_log_write(const char *line, size_t length)
{
    if (getenv("OTTER_TEST_LOG") != NULL)
        printf("%.*s\n", (int)length, line);
}

static void reply(const char *topic, const void *payload, size_t length)
{
    if (w.silent > 0)
        w.silent--;
    else
        broker_publish(&w.broker, topic, 0, 0, payload, length);
}

static void on_publish(const struct mqtt_publish *publish)
{
    char topic[257];
    snprintf(topic, sizeof topic, "%.*s", (int)publish->topic.length, publish->topic.data);
    cloud_side_publish(topic, publish->payload.data, publish->payload.length, reply);
}

void world_create_job(const char *id, const char *document)
{
    cloud_side_create_job(id, w.thing, document);
}

const char *world_job_status(const char *id)
{
    return cloud_side_job_status(id, w.thing);
}

/* ---- The connection -------------------------------------------------------------------------- */

static bool load_cert(const char *label, uint8_t *der, size_t size, size_t *length)
{
    return pki_load(&w.pki, label, der, size, length) == OTTER_OK;
}

/* What TLS would find: a certificate for this key, ACTIVE in the cloud. */
static bool pair_is_good(struct pki_identity identity)
{
    uint8_t der[PKI_DER_MAX], digest[32];
    size_t length;
    struct pki_public public;
    char id[65];
    mbedtls_x509_crt cert;
    if (pki_public_key(&w.pki, identity.key, &public) != OTTER_OK ||
        !load_cert(identity.cert, der, sizeof der, &length))
        return false;
    mbedtls_x509_crt_init(&cert);
    bool good = mbedtls_x509_crt_parse_der(&cert, der, length) == 0 &&
                cert.pk_raw.len == public.length &&
                memcmp(cert.pk_raw.p, public.der, public.length) == 0;
    mbedtls_x509_crt_free(&cert);
    mbedtls_sha256_ret(der, length, digest, 0);
    for (unsigned i = 0; i < sizeof digest; i++)
        sprintf(id + 2 * i, "%02x", digest[i]);
    return good && cloud_side_active(id);
}

static void hang_up(void)
{
    w.up = false;
    mqtt_transport_down(&w.mqtt, w.now);
}

static void open_transport(void)
{
    if (!pair_is_good(pki_identity(&w.pki))) {
        w.refused++;
        mqtt_transport_down(&w.mqtt, w.now);
        return;
    }
    w.up = true;
    w.connections++;
    broker_accept(&w.broker);
    mqtt_transport_up(&w.mqtt, w.now);
}

static bool move(void)
{
    static uint8_t buffer[70000];
    const uint8_t *data;
    size_t length = w.up ? mqtt_output(&w.mqtt, &data) : 0;
    bool moved = length > 0;
    if (length > 0) {
        broker_input(&w.broker, data, length);
        mqtt_sent(&w.mqtt, w.now, length);
    }
    length = w.up ? broker_output(&w.broker, buffer, sizeof buffer) : 0;
    if (length > 0)
        (void)mqtt_input(&w.mqtt, w.now, buffer, length);
    moved |= length > 0;
    if (w.up && mqtt_should_close(&w.mqtt))
        hang_up();
    return moved;
}

static void turn(void)
{
    mqtt_tick(&w.mqtt, w.now);
    if (!w.up && mqtt_wants_transport(&w.mqtt, w.now))
        open_transport();
    while (move()) {
    }
    if (w.by_claim) {
        enrol_tick(&w.rotation.enrol, w.now);
    } else {
        jobs_tick(&w.jobs, w.now);
        rotation_tick(&w.rotation, w.now);
    }
    while (move()) {
    }
}

bool world_run_until(const bool *flag, otter_ms most)
{
    for (const otter_ms end = w.now + most; w.now < end && !(flag && *flag); w.now += 50)
        turn();
    return flag && *flag;
}

void world_run(otter_ms duration)
{
    (void)world_run_until(NULL, duration);
}

/* ---- The device ------------------------------------------------------------------------------ */

static otter_status on_done(void *ctx, otter_ms now, const char *thing_name)
{
    const struct kv_item name = {CONFIG_THING_NAME->key, thing_name, (uint32_t)strlen(thing_name)};
    (void)ctx, (void)now;
    if (w.taken != OTTER_OK)
        return w.taken;
    assert_int_equal(pki_adopt(&w.pki, PKI_NEXT_CERT, PKI_TLS_CERT, &name, 1), OTTER_OK);
    w.done = true;
    return OTTER_OK;
}

static void on_failure(void *ctx, otter_ms now, const char *reason)
{
    (void)ctx, (void)now;
    snprintf(w.failure, sizeof w.failure, "%s", reason);
}

static void reconnect(void *ctx, otter_ms now)
{
    (void)ctx;
    mqtt_disconnect(&w.mqtt, now);
}

static otter_status draw(void *ctx, uint32_t *bits)
{
    (void)ctx;
    *bits = 0x80000000u;
    return OTTER_OK;
}

static void open_session(void)
{
    const struct mqtt_config config = {.client_id = w.by_claim ? "0042" : w.thing,
                                       .keep_alive_s = 60,
                                       .backoff_base_ms = 500,
                                       .backoff_cap_ms = 8000,
                                       .connack_timeout_ms = 5000,
                                       .ack_timeout_ms = 8000,
                                       .random = draw,
                                       .input = w.input,
                                       .input_size = sizeof w.input,
                                       .output = w.output,
                                       .output_size = sizeof w.output};
    mqtt_init(&w.mqtt, &config);
    broker_init(&w.broker);
    w.broker.on_publish = on_publish;
}

static void start_services(const struct enrol_config *common)
{
    const struct jobs_config jobs = {.mqtt = &w.mqtt,
                                     .kv = &w.kv,
                                     .thing_name = w.thing,
                                     .tokens = w.tokens,
                                     .token_count = JOBS_TOKENS_MIN,
                                     .poll_ms = 5000};
    const struct rotation_config rotation = {.jobs = &w.jobs,
                                             .kv = &w.kv,
                                             .thing_name = w.thing,
                                             .enrolment = *common,
                                             .trial_ms = 60000,
                                             .reconnect = reconnect};
    assert_int_equal(jobs_init(&w.jobs, &jobs, w.now), OTTER_OK);
    rotation_start(&w.rotation, &rotation, w.now);
}

void world_boot(void)
{
    uint32_t length;
    memset(&w.kv, 0, sizeof w - offsetof(struct world, kv));
    assert_int_equal(kv_open(&w.kv, &w.flash.area), OTTER_OK);
    (void)kv_purge(&w.kv);
    vault_start();
    pki_init(&w.pki, &w.kv, world_keys, NULL);
    pki_add(&w.pki, &w.claim_labels, &pki_claim_labels);
    pki_add(&w.pki, &w.next_labels, &pki_next_labels);
    (void)config_get_text(&w.kv, CONFIG_THING_NAME, w.thing, sizeof w.thing);
    w.by_claim = pki_length(&w.pki, PKI_TLS_CERT, &length) == OTTER_E_NOT_FOUND;
    open_session();
    struct enrol_config config = {.mqtt = &w.mqtt,
                                  .pki = &w.pki,
                                  .tokens = w.tokens,
                                  .token_count = JOBS_TOKENS_MIN,
                                  .template_name = "lamps",
                                  .serial = "0042",
                                  .key_label = PKI_TLS_KEY_PRIV,
                                  .cbor = w.cbor,
                                  .reply_timeout_ms = 5000,
                                  .on_done = on_done,
                                  .on_failure = on_failure};
    if (w.by_claim) {
        pki_use(&w.pki, (struct pki_identity){PKI_CLAIM_KEY, PKI_CLAIM_CERT});
        assert_int_equal(enrol_start(&w.rotation.enrol, &config, w.now), OTTER_OK);
    } else {
        start_services(&config);
    }
}

bool world_is_itself(void)
{
    struct kv kv;
    char name[129];
    uint32_t length;
    assert_int_equal(kv_open(&kv, &w.flash.area), OTTER_OK);
    vault_start();
    pki_init(&w.pki, &kv, world_keys, NULL);
    const bool named = config_get_text(&kv, CONFIG_THING_NAME, name, sizeof name) == OTTER_OK;
    const bool certified = pki_length(&w.pki, PKI_TLS_CERT, &length) == OTTER_OK;
    assert_int_equal(named, certified);
    if (named) {
        assert_string_equal(name, "lamp-0042");
        assert_true(pair_is_good((struct pki_identity){PKI_TLS_KEY_PRIV, PKI_TLS_CERT}));
    }
    pki_init(&w.pki, &w.kv, world_keys, NULL);
    return named;
}

/* ---- Set up ---------------------------------------------------------------------------------- */

static void import_claim(void)
{
    struct kv kv;
    struct pki_part part;
    char *pem, *key_pem;
    cloud_side_claim(&pem, &key_pem);
    assert_int_equal(kv_open(&kv, &w.flash.area), OTTER_OK);
    pki_init(&w.pki, &kv, world_keys, NULL);
    pki_add(&w.pki, &part, &pki_claim_labels);
    assert_int_equal(pki_import(&w.pki, PKI_CLAIM_CERT, PKI_CERTIFICATE, pem, strlen(pem)),
                     OTTER_OK);
    assert_int_equal(pki_import(&w.pki, PKI_CLAIM_KEY, PKI_PRIVATE_KEY, key_pem, strlen(key_pem)),
                     OTTER_OK);
    free(pem);
    free(key_pem);
}

int world_set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    log_set_level(getenv("OTTER_TEST_LOG") != NULL ? LOG_LEVEL_INF : LOG_LEVEL_NONE);
    cloud_side_start(port_now);
    assert_int_equal(nor_store_open(&w.flash, 4, &w.kv), OTTER_OK);
    vault_create();
    import_claim();
    return 0;
}

int world_tear_down(void **state)
{
    (void)state;
    cloud_side_stop();
    vault_destroy();
    assert_true(nor_store_close(&w.flash));
    return 0;
}
