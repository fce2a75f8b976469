/* Jobs beyond updates that a device does by itself, told apart by `operation` in the job document
 * as in AWS's own samples:
 *
 *   {"operation": "reboot"}
 *       IN_PROGRESS, a restart, and after it SUCCEEDED, exactly once. What is left of it in the
 *       store ("ops/reboot") outlives a power cut at any moment.
 *   {"operation": "configure", "settings": {"connect_spread_s": "30", "name": ""}}
 *       Checks each setting against the rules of `conf` and sets all of them as one change, or
 * none;
 *       "" or null takes a setting away. At most OPERATIONS_SETTINGS_MAX settings. What a setting
 *       does, it does when it is read next: for most, after a restart.
 *
 * A job whose operation is another one is left to the handlers after this one. What is refused says
 * why: a setting that is not there, a value outside its range, a setting that must not be changed
 * from afar. The latter are those of the way to the cloud, the time mark with them: with a wrong
 * one the device would never be heard of again, to be told a better one.
 *
 * Sans-IO: it asks for the restart, whoever composes it carries it out. */
#ifndef OTTER_SERVICES_OPERATIONS_OPERATIONS_H
#define OTTER_SERVICES_OPERATIONS_OPERATIONS_H

#include "services/jobs/jobs.h"
#include "store/config.h"

#ifdef __cplusplus
extern "C" {
#endif

#define OPERATIONS_SETTINGS_MAX KV_BATCH_MAX
#define OPERATIONS_REBOOT_KEY   "ops/reboot"

struct operations_config {
    struct jobs *jobs;             /* has been started, not yet ticked */
    struct kv *kv;                 /* of the settings and of what outlives a restart */
    const struct config *settings; /* those that there are */
};

/* Zero at first. All fields are private. */
struct operations {
    struct operations_config config;
    struct jobs_handler handler;
    struct jobs_execution execution; /* of a restart */
    uint8_t state;
};

/* Adds the handler to the Jobs client, and takes up the job whose restart this is. Again, after the
 * device was stopped from taking jobs, does nothing. */
void operations_init(struct operations *operations, const struct operations_config *config);

/* The cloud knows of the restart that it ordered, and waits for it: now is the time. */
bool operations_wants_reset(const struct operations *operations);

#ifdef __cplusplus
}
#endif

#endif
