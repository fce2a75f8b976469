/* Another certificate for this device, by a job: a new key made here, a certificate for it by the
 * same provisioning template that the device came by (enrol.h), and a connection with it before the
 * old one is given up.
 *
 * The job document is {"operation":"rotate-certificate"}.
 *
 * The new key and certificate lie under PKI_NEXT_KEY and PKI_NEXT_CERT beside the old ones until
 * the job service has answered on a connection with them; then they take the old ones' place in one
 * atomic change, and the job SUCCEEDED. If they bring no such connection within `trial_ms`, the
 * device connects with the old ones and says FAILED. How far it has come lies in the store
 * (ROTATION_KEY), so that a power cut at any moment leaves a device that connects: a cut in a trial
 * repeats it ROTATION_TRIALS_MAX times at most, and then the old certificate is back.
 *
 * The old certificate stays registered in the cloud: who ordered the job revokes it when the job
 * has succeeded. */
#ifndef OTTER_SERVICES_FLEET_ROTATION_H
#define OTTER_SERVICES_FLEET_ROTATION_H

#include "services/fleet/enrol.h"
#include "services/jobs/jobs.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROTATION_OPERATION  "rotate-certificate"
#define ROTATION_KEY        "fleet/rotation"
#define ROTATION_TRIALS_MAX 3u
#define ROTATION_FAILURES   3u /* of the enrolment, before the job fails */

enum rotation_state {
    ROTATION_IDLE,
    ROTATION_WAITS, /* for the job service to say that the job is (still) ours */
    ROTATION_ENROLS,
    ROTATION_TRIAL, /* connects with the new certificate */
    ROTATION_ENDS   /* tells the job's end */
};

/* As in the store, where it is followed by the job's id: [phase, trials, number, queuedAt], the
 * numbers little-endian. */
enum rotation_phase {
    ROTATION_MAKING = 1,
    ROTATION_TRYING = 2,
    ROTATION_DONE = 3,
    ROTATION_FAILED = 4
};
#define ROTATION_HEAD 10u

struct rotation_config {
    struct jobs *jobs;
    struct kv *kv;
    const char *thing_name;        /* must be the name that the template gives again */
    struct enrol_config enrolment; /* of which mqtt, pki, tokens, template_name, serial, cbor and
                                      reply_timeout_ms count; template_name "": jobs are refused */
    uint32_t trial_ms;
    /* The connection is to be opened anew, as pki_use has said something else. */
    void (*reconnect)(void *ctx, otter_ms now);
    void *ctx;
};

/* All fields but `state` are private. Zeros before the first start. */
struct rotation {
    enum rotation_state state;
    struct rotation_config config;
    struct enrol enrol;
    struct jobs_handler handler;
    struct jobs_execution execution;
    otter_ms deadline; /* of the trial */
    uint8_t phase;     /* as stored */
    uint8_t trials;
    bool on_trial_line; /* the present connection was made with the new certificate */
    const char *reason; /* of a failure */
};

/* After jobs_init and before its first tick, and before the first connection. Takes up what a
 * restart has interrupted. */
void rotation_start(struct rotation *rotation, const struct rotation_config *config, otter_ms now);
void rotation_tick(struct rotation *rotation, otter_ms now);
otter_ms rotation_deadline(const struct rotation *rotation);

#ifdef __cplusplus
}
#endif

#endif
