/* When a message goes out, and when it is dropped. */
#include "services/telemetry/telemetry.h"

#include <stdio.h>
#include <string.h>

#include "port/log.h"

#define TAG "TELEMETRY"

const struct config_setting telemetry_setting[] = {
    {.key = CONFIG_KEY_PREFIX "telemetry_period_s",
     .help = "seconds between telemetry messages; 0, the default: none",
     .fallback = "0",
     .kind = CONFIG_NUMBER,
     .max = 86400},
    {.key = CONFIG_KEY_PREFIX "telemetry_topic",
     .help = "what their topics begin with; not set: the thing's name",
     .kind = CONFIG_TEXT,
     .min = 1,
     .max = CONFIG_TEXT_MAX},
};
const struct config_table telemetry_settings = {telemetry_setting, sizeof telemetry_setting /
                                                                       sizeof *telemetry_setting};

/* The setting, or the thing's name; and a slash. */
static otter_status make_prefix(struct telemetry *t)
{
    char text[CONFIG_TEXT_MAX + 1];
    if (config_get_text(t->config.kv, CONFIG_TELEMETRY_TOPIC, text, sizeof text) != OTTER_OK)
        snprintf(text, sizeof text, "%s", t->config.thing);
    if (text[0] == '$' || text[0] == '/' || strpbrk(text, "+#") != NULL) {
        LOG_ERR(TAG, "telemetry_topic must have no + and #, and not begin with $ or /");
        return OTTER_E_ARGUMENT;
    }
    snprintf(t->prefix, sizeof t->prefix, "%s/", text);
    return OTTER_OK;
}

otter_status telemetry_start(struct telemetry *t, const struct telemetry_config *config,
                             otter_ms now)
{
    t->config = *config;
    t->stopped = true;
    const otter_status status = make_prefix(t);
    if (status != OTTER_OK)
        return status;
    if (!t->registered) {
        t->service = (struct mqtt_service){.prefix = t->prefix, .ctx = t};
        mqtt_register(config->mqtt, &t->service);
        t->registered = true;
    }
    t->stopped = false;
    t->refused = false;
    t->period_s = (uint32_t)config_get_u64(config->kv, CONFIG_TELEMETRY_PERIOD);
    t->next = 0;
    t->due = now;
    return OTTER_OK;
}

void telemetry_stop(struct telemetry *t)
{
    t->stopped = true;
}

static bool may_send(const struct telemetry *t)
{
    return t->config.mqtt->state == MQTT_CONNECTED &&
           (t->config.busy == NULL || !t->config.busy(t->config.ctx));
}

static void count(struct telemetry *t, const char *topic, otter_status status)
{
    if (status == OTTER_OK)
        t->sent++;
    else
        t->dropped++;
    const bool refused = status == OTTER_E_REFUSED;
    if (refused && !t->refused)
        LOG_WRN(TAG, "pauses: the cloud ended the connection at %s%s; does the policy allow it?",
                t->prefix, topic);
    t->refused = refused;
}

static void send_next(struct telemetry *t, otter_ms now)
{
    char payload[TELEMETRY_PAYLOAD_MAX];
    const struct telemetry_source *source = &t->config.sources[t->next];
    const int length = source->write(t->config.ctx, now, payload, sizeof payload);
    if (length >= 0)
        count(
            t, source->topic,
            mqtt_publish(t->config.mqtt, now, &t->service, source->topic, payload, (size_t)length));
}

/* The next round begins a period after the last one did, or now if that is over. */
static void finish_round(struct telemetry *t, otter_ms now)
{
    const otter_ms period = (otter_ms)t->period_s * 1000u;
    t->next = 0;
    t->due = now < t->due + period ? t->due + period : now + period;
}

void telemetry_tick(struct telemetry *t, otter_ms now)
{
    if (t->stopped || t->period_s == 0 || now < t->due)
        return;
    if (may_send(t))
        send_next(t, now);
    else
        t->dropped++;
    if (++t->next >= t->config.source_count)
        finish_round(t, now);
}

otter_ms telemetry_deadline(const struct telemetry *t)
{
    return t->stopped || t->period_s == 0 ? OTTER_NEVER : t->due;
}
