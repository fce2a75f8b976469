/* Requests to services of AWS IoT that this cloud does not offer. A device that also uses one of
 * them must not lose its connection each time it asks: where the service has a rejected topic, the
 * answer comes there, as an ordinary message to whoever has subscribed, and says why. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/gateway/client.h"
#include "codec/cbor.h"

enum style { SHADOW, DEFENDER, PROVISIONING, INGEST };

/* On AWS a message to a rule that is not there is taken, and goes nowhere: so is Basic Ingest here.
 */
static const struct service {
    const char *filter;
    const char *name;
    enum style style;
} services[] = {
    {"$aws/things/+/shadow/get", "Device Shadow", SHADOW},
    {"$aws/things/+/shadow/update", "Device Shadow", SHADOW},
    {"$aws/things/+/shadow/delete", "Device Shadow", SHADOW},
    {"$aws/things/+/shadow/name/+/get", "Device Shadow", SHADOW},
    {"$aws/things/+/shadow/name/+/update", "Device Shadow", SHADOW},
    {"$aws/things/+/shadow/name/+/delete", "Device Shadow", SHADOW},
    {"$aws/things/+/defender/metrics/json", "Device Defender", DEFENDER},
    {"$aws/things/+/defender/metrics/cbor", "Device Defender", DEFENDER},
    {"$aws/certificates/create/json", "Fleet provisioning", PROVISIONING},
    {"$aws/certificates/create/cbor", "Fleet provisioning", PROVISIONING},
    {"$aws/certificates/create-from-csr/json", "Fleet provisioning", PROVISIONING},
    {"$aws/certificates/create-from-csr/cbor", "Fleet provisioning", PROVISIONING},
    {"$aws/provisioning-templates/+/provision/json", "Fleet provisioning", PROVISIONING},
    {"$aws/provisioning-templates/+/provision/cbor", "Fleet provisioning", PROVISIONING},
    {"$aws/rules/+/#", "Basic Ingest", INGEST},
};

static struct mqtt_text view(const char *text)
{
    return (struct mqtt_text){text, strlen(text)};
}

static const struct service *find(const char *topic)
{
    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        if (mqtt_filter_matches(view(services[i].filter), view(topic)))
            return &services[i];
    return NULL;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* What clients find their answer by. */
static void copy_member(json_t *to, const char *name, const json_t *request)
{
    json_t *value = json_object_get(request, name);
    if (value)
        json_object_set(to, name, value);
}

static json_t *shadow_answer(const struct client *client, const char *why, const json_t *request)
{
    json_t *body = json_pack("{s:i, s:s, s:I}", "code", 403, "message", why, "timestamp",
                             (json_int_t)cloud_now(client->cloud));
    copy_member(body, "clientToken", request);
    return body;
}

static json_t *defender_answer(const struct client *client, const char *topic, const char *why,
                               const json_t *request)
{
    const char *thing = topic + strlen("$aws/things/");
    json_t *header = json_object_get(request, "header");
    json_t *id = json_object_get(header ? header : json_object_get(request, "hed"),
                                 header ? "report_id" : "rid");
    json_t *body =
        json_pack("{s:s%, s:s, s:{s:s, s:s}, s:I}", "thingName", thing, strcspn(thing, "/"),
                  "status", "REJECTED", "statusDetails", "ErrorCode", "ServiceNotOffered",
                  "ErrorMessage", why, "timestamp", (json_int_t)cloud_now_ms(client->cloud));
    if (id)
        json_object_set(body, "reportId", id);
    return body;
}

static json_t *provisioning_answer(const char *why)
{
    return json_pack("{s:i, s:s, s:s}", "statusCode", 403, "errorCode", "ServiceNotOffered",
                     "errorMessage", why);
}

/* The answers above have no more than maps, texts and whole numbers, two deep. */
static void write_cbor(struct cbor_writer *w, const json_t *value)
{
    const char *key;
    json_t *member, *inner;
    const char *inner_key;
    cbor_write_map(w, json_object_size(value));
    json_object_foreach((json_t *)value, key, member)
    {
        cbor_write_text(w, key);
        if (json_is_string(member)) {
            cbor_write_text(w, json_string_value(member));
        } else if (json_is_integer(member)) {
            cbor_write_int(w, json_integer_value(member));
        } else {
            cbor_write_map(w, json_object_size(member));
            json_object_foreach(member, inner_key, inner)
            {
                cbor_write_text(w, inner_key);
                cbor_write_text(w, json_is_string(inner) ? json_string_value(inner) : "");
            }
        }
    }
}

static void publish_cbor(struct client *client, const char *topic, const json_t *body)
{
    uint8_t out[1024];
    struct cbor_writer w;
    cbor_writer_init(&w, out, sizeof out);
    write_cbor(&w, body);
    if (cbor_written(&w) > 0)
        cloud_publish(client->cloud, topic, out, (size_t)cbor_written(&w));
}

static void reject(struct client *client, const struct service *service, const char *topic,
                   struct mqtt_bytes payload)
{
    char why[128], rejected[TOPIC_MAX + 16];
    const char *format = strrchr(topic, '/') + 1;
    json_t *request = json_loadb((const char *)payload.data, payload.length, 0, NULL);
    json_t *body = NULL;
    snprintf(why, sizeof why, "%s is not offered by this cloud yet", service->name);
    snprintf(rejected, sizeof rejected, "%s/rejected", topic);
    if (service->style == SHADOW)
        body = shadow_answer(client, why, request);
    else if (service->style == DEFENDER)
        body = defender_answer(client, topic, why, request);
    else
        body = provisioning_answer(why);
    if (body && strcmp(format, "cbor") == 0)
        publish_cbor(client, rejected, body);
    else if (body)
        cloud_publish_json(client->cloud, rejected, body);
    json_decref(body);
    json_decref(request);
}

bool unoffered_publish(struct client *client, const char *topic, struct mqtt_bytes payload)
{
    const struct service *service = find(topic);
    if (!service)
        return false;
    unsigned bit = 1u << service->style;
    if (!(client->told_unoffered & bit))
        cloud_log("gateway", "%s: %s is not offered by this cloud yet; %s %s", client->id,
                  service->name, topic,
                  service->style == INGEST ? "goes nowhere" : "is answered on its rejected topic");
    client->told_unoffered |= bit;
    if (service->style != INGEST)
        reject(client, service, topic, payload);
    return true;
}
