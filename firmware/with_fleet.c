/* Fleet provisioning in the firmware: a device that has a claim certificate and none of its own
 * becomes itself; one that is itself changes its certificate when a job says so. */
#include <stdio.h>
#include <string.h>

#include "firmware/app.h"
#include "net/mqtt_settings.h"
#include "port/log.h"
#include "services/fleet/rotation.h"

static struct config_part settings;
static struct pki_part next_labels;
static struct rotation rotation; /* the enrolment of both: never at once */
static char template_name[FLEET_TEMPLATE_MAX + 1];
static char serial[FLEET_SERIAL_MAX + 1];
static bool by_claim;

/* ---- By claim -------------------------------------------------------------------------------- */

/* The certificate and the name that it is registered for come in one change; as all parts of the
 * firmware take the name at their start, the device begins anew. */
static otter_status on_done(void *ctx, otter_ms now, const char *thing_name)
{
    struct app *app = ctx;
    const struct kv_item name = {CONFIG_THING_NAME->key, thing_name, (uint32_t)strlen(thing_name)};
    (void)now;
    otter_status status = config_check(CONFIG_THING_NAME, thing_name);
    if (status == OTTER_OK)
        status = pki_adopt(&app->pki, PKI_NEXT_CERT, PKI_TLS_CERT, &name, 1);
    if (status != OTTER_OK)
        return status;
    LOG_INF("FLEET", "provisioned as %s", thing_name);
    app_reset(app, "it has an identity of its own now");
    return OTTER_OK;
}

static bool has(struct app *app, const char *label)
{
    uint32_t length;
    return pki_length(&app->pki, label, &length) == OTTER_OK;
}

/* All that a claim needs, and nothing yet of what it brings. */
static bool can_claim(struct app *app)
{
    return !app->provisioned && !app->config->deaf && !has(app, PKI_TLS_CERT) &&
           has(app, PKI_CLAIM_CERT) && has(app, PKI_CLAIM_KEY) && has(app, PKI_ROOT_CA) &&
           app->link.host[0] != '\0' && template_name[0] != '\0';
}

static otter_status start_claim(struct app *app, const struct enrol_config *common, otter_ms now)
{
    struct enrol_config config = *common;
    config.key_label = PKI_TLS_KEY_PRIV;
    config.on_done = on_done;
    config.ctx = app;
    pki_use(&app->pki, (struct pki_identity){PKI_CLAIM_KEY, PKI_CLAIM_CERT});
    snprintf(app->link.client_id, sizeof app->link.client_id, "%s", serial);
    app->link.provisioned = true;
    LOG_INF("FLEET", "provisioning by claim: template %s, serial number %s", template_name, serial);
    by_claim = true;
    return enrol_start(&rotation.enrol, &config, now);
}

/* ---- Rotation -------------------------------------------------------------------------------- */

static void reconnect(void *ctx, otter_ms now)
{
    struct app *app = ctx;
    mqtt_disconnect(&app->link.mqtt, now);
}

static void start_rotation(struct app *app, const struct enrol_config *common, otter_ms now)
{
    const struct rotation_config config = {
        .jobs = &app->jobs,
        .kv = &app->kv,
        .thing_name = app->link.client_id,
        .enrolment = *common,
        .trial_ms = TUNE_CERTIFICATE_TRIAL_MS,
        .reconnect = reconnect,
        .ctx = app,
    };
    rotation_start(&rotation, &config, now);
}

/* ---- The activity ---------------------------------------------------------------------------- */

static otter_status start(struct app *app, otter_ms now)
{
    (void)config_add(&app->settings, &settings, &fleet_settings);
    (void)pki_add(&app->pki, &next_labels, &pki_next_labels);
    (void)config_get_text(&app->kv, CONFIG_FLEET_TEMPLATE, template_name, sizeof template_name);
    const otter_status status = fleet_serial(&app->kv, serial);
    if (status != OTTER_OK) {
        LOG_ERR("FLEET", "no serial number: %s", otter_status_text(status));
        return status;
    }
    const struct enrol_config common = {
        .mqtt = &app->link.mqtt,
        .pki = &app->pki,
        .tokens = app->tokens,
        .token_count = JOBS_TOKENS_MIN,
        .template_name = template_name,
        .serial = serial,
        .cbor = config_get_u16(&app->kv, CONFIG_FLEET_CBOR) != 0,
        .reply_timeout_ms = TUNE_REPLY_TIMEOUT_MS,
    };
    if (can_claim(app))
        return start_claim(app, &common, now);
    if (!app->agent_runs) /* nobody turns the jobs */
        return OTTER_E_STATE;
    start_rotation(app, &common, now);
    return OTTER_OK;
}

static void tick(struct app *app, otter_ms now)
{
    (void)app;
    if (by_claim)
        enrol_tick(&rotation.enrol, now);
    else
        rotation_tick(&rotation, now);
}

static otter_ms deadline(const struct app *app, otter_ms now)
{
    (void)app;
    (void)now;
    return by_claim ? enrol_deadline(&rotation.enrol) : rotation_deadline(&rotation);
}

const struct activity activity_fleet = {"fleet", start, NULL, tick, deadline};
