/* A certificate for a key of this device, by AWS IoT's fleet provisioning over MQTT: a request for
 * the key (CreateCertificateFromCsr), then the registration with it by a provisioning template
 * (RegisterThing), in JSON or CBOR. Both for a device with a claim certificate that becomes itself,
 * and for one that changes its certificate (rotation.h).
 *
 * The key is made on the device, if there is none under the label yet, and stays there. The
 * certificate is put under PKI_NEXT_CERT, and nothing that a connection needs is changed: what
 * becomes of it is the owner's to say, in one atomic change (pki_adopt). So a power cut at any
 * moment leaves a device as it was, which begins again.
 *
 * What is refused or not answered is tried again with a back-off from 10 s to 10 min, for ever: an
 * operator may put a template right; so is a thing that the owner cannot take (the template has
 * none, say), in 10 min at once. Each try asks for another certificate; AWS IoT deletes those that
 * were not registered within an hour.
 *
 * Sans-IO: `now` comes in, messages go through the MQTT session, the caller owns everything. */
#ifndef OTTER_SERVICES_FLEET_ENROL_H
#define OTTER_SERVICES_FLEET_ENROL_H

#include "codec/json.h"
#include "net/mqtt.h"
#include "pki/pki.h"
#include "services/fleet/settings.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ENROL_THING_MAX 128u
#define ENROL_TOKEN_MAX 511u /* longest certificateOwnershipToken */
#define ENROL_TOKENS    32u  /* of JSON, at least */

/* All pointers must outlive the enrolment. */
struct enrol_config {
    struct mqtt_session *mqtt;
    struct pki *pki;
    jsmntok_t *tokens; /* scratch for reading one message, free between calls: may be shared */
    uint16_t token_count;
    const char *template_name; /* 1 to FLEET_TEMPLATE_MAX characters */
    const char *serial;        /* the parameter SerialNumber, 1 to FLEET_SERIAL_MAX */
    const char *key_label;     /* of a private key */
    bool cbor;
    uint32_t reply_timeout_ms; /* for each answer of the cloud */
    /* The certificate is under PKI_NEXT_CERT, registered and ACTIVE as the template says. The name
     * is valid during the call, "" when the template has no thing. An error: it cannot be taken,
     * which is one more failure; else it is called once. */
    otter_status (*on_done)(void *ctx, otter_ms now, const char *thing_name);
    /* What a reply refused with, or what went wrong on this side, in words. May be NULL. */
    void (*on_failure)(void *ctx, otter_ms now, const char *reason);
    void *ctx;
};

enum enrol_state {
    ENROL_OFF,
    ENROL_OFFLINE,     /* until the session says that it is on line */
    ENROL_ASKING,      /* the request is to be sent */
    ENROL_CERTIFICATE, /* it is sent: waits for the certificate */
    ENROL_REGISTERING, /* waits for the thing */
    ENROL_RESTING,     /* after a failure */
    ENROL_DONE
};

#define ENROL_TOPIC_SIZE   88u
#define ENROL_PAYLOAD_SIZE 704u /* the token with its parameters; a request for a P-256 key */

/* All fields but `state` are private. Zeros before the first start. */
struct enrol {
    enum enrol_state state;
    struct enrol_config config;
    struct mqtt_service service;
    struct mqtt_subscription filters[2];
    struct mqtt_ticket ticket;
    otter_ms wake;
    uint8_t failures; /* in a row */
    bool on_line;
    char register_filter[ENROL_TOPIC_SIZE]; /* behind "$aws/", as all topics here */
    char topic[ENROL_TOPIC_SIZE];
    char payload[ENROL_PAYLOAD_SIZE];
};

/* Registers with the session. Again: begins anew, with another configuration perhaps. */
otter_status enrol_start(struct enrol *enrol, const struct enrol_config *config, otter_ms now);
void enrol_stop(struct enrol *enrol);
void enrol_tick(struct enrol *enrol, otter_ms now);
otter_ms enrol_deadline(const struct enrol *enrol);

/* ---- For this room and its tests ------------------------------------------------------------- */

/* The payload of each request; its length, or OTTER_E_TOO_LONG. */
int enrol_write_request(bool cbor, const char *csr, char *out, size_t size);
int enrol_write_registration(bool cbor, const char *token, const char *serial, char *out,
                             size_t size);

#ifdef __cplusplus
}
#endif

#endif
