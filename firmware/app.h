/* The application: owns every service, and knows what is due when. */
#ifndef OTTER_FIRMWARE_APP_H
#define OTTER_FIRMWARE_APP_H

#include <stdbool.h>
#include <stdint.h>

#include "firmware/boards/board.h"
#include "firmware/shell.h"
#include "firmware/link.h"
#include "firmware/trial.h"
#include "image/check.h"
#include "image/image.h"
#include "pki/pki.h"
#include "services/ota/ota.h"
#include "services/ota/source_stream.h"
#include "store/config.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Heap of the TLS library; its high-water mark is shown by the console's `stat`. */
#define APP_TLS_ARENA_SIZE (43u * 1024u)

struct app {
    struct board board;
    struct kv kv;
    struct pki pki;
    struct pki_part ota_labels;
    struct pki_part claim_labels;
    struct config config;
    struct config_part device_settings;
    struct config_part mqtt_settings;
    struct link link;
    struct ota ota;
    struct ota_source_stream stream;
    struct ota_source *sources[1]; /* of the agent's blocks, by preference */
    struct trial trial;
    struct shell shell;
    struct image_policy policy;       /* keys that an image must be signed with */
    jsmntok_t tokens[OTA_TOKENS_MIN]; /* scratch of whoever reads JSON just now */
    char version[IMAGE_VERSION_TEXT_SIZE];
    bool provisioned; /* everything is there that a connection needs */
    bool agent_runs;  /* ota_init went well */
    bool on_line;     /* as last logged */
    otter_ms progress_logged_at;
};

/* Never fails as a whole: what cannot work is logged with its reason, and the console stays. */
void app_start(struct app *app, const struct flash *flash, otter_ms now);
void app_tick(struct app *app, otter_ms now);
otter_ms app_deadline(const struct app *app, otter_ms now);

/* Hands the port the committed Wi-Fi credentials. A device that waits for its access point needs no
 * restart for new ones. */
void app_join_network(struct app *app);

/* Ends the connection in good order and restarts. */
__attribute__((noreturn)) void app_reset(struct app *app, const char *why);

#ifdef __cplusplus
}
#endif

#endif
