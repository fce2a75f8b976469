/* The application: owns every service, and knows what is due when. */
#ifndef OTTER_FIRMWARE_APP_H
#define OTTER_FIRMWARE_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "boards/board.h"
#include "firmware/activity.h"
#include "firmware/shell.h"
#include "firmware/link.h"
#include "firmware/trial.h"
#include "firmware/tuning.h"
#include "image/check.h"
#include "image/image.h"
#include "pki/pki.h"
#include "port/log.h"
#include "services/ota/ota.h"
#include "services/ota/source_stream.h"
#include "store/config.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What makes the firmware a product. All of it must outlive the application, which changes none of
 * it; a field that is 0 or NULL has the meaning that it says. Whoever composes without `struct app`
 * finds the same hooks in the parts: struct ota_config, console_hooks, cli_add, config_add,
 * pki_add, log_add_sink. */
struct app_config {
    const char *product; /* as it is called in the log and by `version`: "Otter firmware" */
    const char *build;   /* shown at boot, so that two builds can be told apart; NULL: nothing */
    uint32_t self_test_timeout_ms; /* from boot on trial to the reset back; 0: as tuned */
    /* What becomes of a trial at its deadline if the update agent does not run, because the device
     * is not provisioned or a setting is wrong. False: the old firmware comes back. True: this one
     * is kept; for products that are given their first identity only after an update by cable. */
    bool keep_without_agent;
    /* A build that never reaches the cloud, to show what then happens to it (demo and tests). */
    bool deaf;

    const struct cli_table *console;     /* commands and lines of `stat`; their context is `ctx` */
    const struct config_table *settings; /* listed by `conf` */
    const struct pki_table *labels;      /* keys and certificates, listed by `pki` */
    /* Where private keys lie; NULL: in flash (pki/keys.h), of two worlds in the secure one. */
    const struct pki_keys *keys;
    void *keys_ctx;
    struct log_sink *log; /* gets the log's lines from the first on */

    /* On trial and on line: OTTER_OK keeps this firmware, OTTER_E_AGAIN asks once more a little
     * later, anything else brings the old one back. NULL: that it got on line is enough. */
    otter_status (*self_test)(void *ctx);
    /* False while a restart into new firmware would disturb the user. NULL: any time is good. */
    bool (*may_reset)(void *ctx);
    /* After each change of an update's phase and each block that has come to flash. */
    void (*progress)(void *ctx, const struct ota_status *status);
    void *ctx;
};

struct app {
    const struct app_config *config;
    const struct flash_area *running;   /* the slot that this firmware was started from */
    const struct flash_area *candidate; /* where the next one goes */
    struct kv kv;
    struct pki pki;
    struct pki_part ota_labels;
    struct pki_part claim_labels;
    struct pki_part product_labels;
    struct config settings;
    struct config_part device_settings;
    struct config_part mqtt_settings;
    struct config_part product_settings;
    struct link link;
    struct jobs jobs;
    struct ota ota;
#if OTTER_TWO_WORLDS
    struct ota_partner secure; /* the secure program, which the agent updates, too */
#endif
    struct ota_source_stream stream;
    struct ota_source *sources[OTA_SOURCES_MAX]; /* of the agent's blocks, by preference */
    struct trial trial;
    struct shell shell;
    struct image_policy policy;        /* keys that an image must be signed with */
    jsmntok_t tokens[JOBS_TOKENS_MIN]; /* scratch of whoever reads JSON just now */
    char version[IMAGE_VERSION_TEXT_SIZE];
    bool provisioned;    /* everything is there that a connection needs */
    bool agent_runs;     /* ota_init went well */
    const char *no_jobs; /* why there is no Jobs client; NULL: there is */
    bool on_line;        /* as last logged */
    otter_ms progress_logged_at;
    struct activity_state states[ACTIVITY_COUNT];
};

extern const struct activity activity_link, activity_jobs, activity_ota, activity_console;

/* Never fails as a whole: what cannot work is logged with its reason, and the console stays. */
void app_start(struct app *app, const struct app_config *config, otter_ms now);
void app_tick(struct app *app, otter_ms now);
otter_ms app_deadline(const struct app *app, otter_ms now);

/* Whether services have to keep their messages back: a job is under way, or the cloud has yet to
 * say that there is none. AWS IoT ends the connection of a device that publishes what its policy
 * does not allow, which must not cost an update its connection, or a new firmware its trial. */
bool app_jobs_first(const struct app *app);

/* Hands the port the committed Wi-Fi credentials. A device that waits for its access point needs no
 * restart for new ones. */
void app_join_network(struct app *app);

/* Why this firmware was started: "power on", "software reset", "watchdog reset". */
const char *app_reset_reason(void);

/* Ends the connection in good order and restarts. */
__attribute__((noreturn)) void app_reset(struct app *app, const char *why);

#ifdef __cplusplus
}
#endif

#endif
