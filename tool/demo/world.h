/* The demo's world: a work folder, the local cloud, and one device with its flash in a file.
 *
 *   FOLDER/otter           this program                   FOLDER/board         the board's build
 *   FOLDER/otter-cloud/    the cloud's own folder         FOLDER/cloud.log     what it printed
 *   FOLDER/flash.img       the device's flash             FOLDER/device.log    its serial output
 *   FOLDER/console         FIFO: the device's serial input    FOLDER/emulator.log  what QEMU says
 *
 *   FOLDER/modem.sock      a modem's UART                     FOLDER/modem.log     what its model
 * says
 *
 * Everything is started in FOLDER, by names relative to it, as it is shown. What the two print is
 * shown as it comes. All functions that can fail show why and return
 * false. */
#ifndef OTTER_TOOL_DEMO_WORLD_H
#define OTTER_TOOL_DEMO_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <signal.h>

#include "tool/board_map.h"
#include "tool/child.h"
#include "tool/demo/follow.h"
#include "tool/demo/lines.h"

enum source { FROM_DEVICE, FROM_CLOUD };

#define WORLD_PATH_MAX 512

struct world {
    struct board_map board;
    bool keep;
    unsigned delay_ms; /* added to each round trip between device and cloud */
    unsigned rate_kib; /* that the device gets a second at most; 0: no limit */
    char folder[WORLD_PATH_MAX];
    struct child cloud;
    struct child modem;      /* of a board that has one */
    const char *modem_fault; /* as `otter modem --fault` takes it; NULL: none */
    struct child device;
    bool programmed; /* a twin has its HEX file */
    struct follow cloud_log;
    struct follow device_log;
    int console; /* FIFO, -1 while there is no device */
    struct lines lines;
    bool quiet_device; /* lines are followed but not shown */
    bool quiet_cloud;
    /* Sees each line before it is shown; may be NULL. */
    void (*on_line)(void *ctx, enum source source, const char *line);
    void *ctx;
};

/* Set by the signal handler: every wait then ends as failed, and the story is cleaned up. */
extern volatile sig_atomic_t world_interrupted;

/* Path of a file in the work folder, in one of a few buffers used in turn. */
const char *world_path(const struct world *world, const char *name);
/* Path, from the work folder, of a file that the board's build made: "firmware/bootloader.bin". */
const char *world_built(const struct world *world, const char *name);

/* What runs the board: a process of this machine, QEMU, or its twin. */
/* The board reaches the network by a modem, over an access point with these credentials. */
bool world_has_modem(const struct world *world);
#define WORLD_SSID     "workshop"
#define WORLD_PASSWORD "otter-demo"
bool world_is_process(const struct world *world);
bool world_is_twin(const struct world *world);

bool world_open(struct world *world);
bool world_start_cloud(struct world *world);
/* A blank flash of the board's size with `image`, a file of the work folder, in the primary slot,
 * the secure program `secure` in its own (NULL: none), and the entropy seed that the factory gives
 * a board without a random number generator. */
bool world_make_flash(struct world *world, const char *image, const char *secure);
bool world_power_on(struct world *world);
void world_power_cut(struct world *world);

/* Types a line into the device's console. */
bool world_type(struct world *world, const char *text);
/* Shows what comes for up to `ms`. */
void world_pump(struct world *world, unsigned ms);
/* Goes on until a line of `source` holds `text`; the line is copied to `found` when not NULL. */
bool world_expect(struct world *world, enum source source, const char *text, unsigned timeout_s,
                  char found[FOLLOW_LINE_MAX]);
/* Goes on until `done(ctx)`; `what` names it for the message when it did not come in time. */
bool world_wait(struct world *world, bool (*done)(const void *ctx), const void *ctx,
                unsigned timeout_s, const char *what);
/* Types `command`, then copies a PEM object that the device prints to the file `path`. */
bool world_capture_pem(struct world *world, const char *command, const char *path);
/* Types `command`, then the PEM file at `path`, and waits for `confirmation`. */
bool world_paste_pem(struct world *world, const char *command, const char *path,
                     const char *confirmation);

/* A member of FOLDER/otter-cloud/cloud.json, or "" */
const char *world_cloud_fact(const struct world *world, const char *member);

/* Stops device and cloud and removes the folder, or with `keep` says how to go on. */
void world_close(struct world *world);

double seconds_now(void);

#endif
