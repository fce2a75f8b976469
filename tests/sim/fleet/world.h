/* A device with a store on simulated flash, an MQTT session on virtual time, and the cloud's core
 * behind a broker in memory. As in TLS it connects only with a certificate that is ACTIVE in the
 * cloud and belongs to the key that is shown. */
#ifndef OTTER_TESTS_SIM_FLEET_WORLD_H
#define OTTER_TESTS_SIM_FLEET_WORLD_H

#include "fake_broker.h"
#include "services/fleet/rotation.h"
#include "tests/sim/nor_store.h"

struct world {
    /* what outlives the device's power */
    struct nor_store flash;
    otter_ms now;
    bool cbor, chip_has_id;

    /* what does not */
    struct kv kv;
    struct pki pki;
    struct pki_part claim_labels, next_labels;
    struct mqtt_session mqtt;
    struct fake_broker broker;
    struct jobs jobs;
    struct rotation rotation;
    jsmntok_t tokens[JOBS_TOKENS_MIN];
    uint8_t input[4608], output[832];
    char thing[129];
    bool up, by_claim, done;
    unsigned connections, refused; /* transports that came up, and that did not */
    unsigned silent;               /* answers still to be lost */
    char failure[160];             /* the last of the enrolment */
    otter_status taken;            /* what becomes of the thing that the template gives */
};

extern struct world w;

/* A cloud with the template `lamps` and a device with a claim in its flash. */
int world_set_up(void **state);
int world_tear_down(void **state);
/* The firmware's start: store, keys, and either the claim or the thing's own services. */
void world_boot(void);
void world_run(otter_ms duration);
/* Runs until the flag or the end of that time; whether it is set. */
bool world_run_until(const bool *flag, otter_ms most);

/* What is in the flash: the identity is whole (a name, and a key with its certificate that the
 * cloud takes), or not there at all. Fails the test for anything in between. */
bool world_is_itself(void);

/* vault.c: where private keys are; what a start does there, and its part of a snapshot. */
extern const struct pki_keys *const world_keys;
void vault_create(void);
void vault_start(void);
void vault_destroy(void);
void vault_take(void);
void vault_restore(void);
void vault_forget(void);

/* A job for the thing; and its status in the cloud, valid until the next call. */
void world_create_job(const char *id, const char *document);
const char *world_job_status(const char *id);

#endif
