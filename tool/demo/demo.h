/* The demo's story, told in steps; each returns false after it has shown why it failed. */
#ifndef OTTER_TOOL_DEMO_DEMO_H
#define OTTER_TOOL_DEMO_DEMO_H

#include <stdbool.h>
#include <stdint.h>

#include "tool/demo/mode.h"
#include "tool/demo/world.h"

enum fault {
    FAULT_NONE,
    FAULT_SIGNATURE,
    FAULT_SELF_TEST,
    FAULT_VERSION,
    FAULT_POWER,
    FAULT_SECURE
};

/* Moments of the story, in seconds_now(). */
enum moment {
    AT_START,
    AT_CLOUD_UP,
    AT_BOOTED,
    AT_PROVISIONED,
    AT_REGISTERED,
    AT_ON_LINE,
    AT_RELEASED,
    AT_DOWNLOAD_STARTED,
    AT_DOWNLOADED,
    AT_VERIFIED,
    AT_RESTARTED,
    AT_END,
    MOMENT_COUNT
};

struct demo {
    struct world world;
    enum fault fault;
    const char *report;       /* file for the figures, or NULL */
    const char *mqtt_version; /* setting of the device, or NULL */
    unsigned pad_kib;         /* size that the new firmware is filled up to, or 0 */
    double at[MOMENT_COUNT];
    uint32_t blocks, blocks_total, bytes, bytes_total; /* of the download, as the device says */
    unsigned first_block_ms, download_ms;              /* by the device's clock */
    bool resumed;           /* the device went on with a download after a reset */
    bool swapping;          /* the moment of the second power cut has come */
    bool job_ended;         /* the cloud has its last report */
    uint32_t bytes_signed;  /* size of the images that were released */
    uint32_t blocks_loaded; /* of all files */
    const char *old_version;
    const char *new_version;        /* that the release claims */
    const char *update_id;          /* of create-ota-update */
    char endpoint[256];             /* from describe-endpoint */
    const char *signer_certificate; /* "signer" or "wrong": which code signing key ACM gets */
    char memory[FOLLOW_LINE_MAX];   /* what the device says of its RAM, and of its TLS arena */
    char arena[FOLLOW_LINE_MAX];
    char job_status[32];
    char job_reason[256];
};

void demo_moment(struct demo *demo, enum moment moment);

/* signing.c: how a program becomes an image for the board. */
enum demo_slot { SLOT_OF_PRIMARY, SLOT_OF_SECONDARY };

struct demo_image {
    const char *key;     /* file */
    const char *version; /* "1.0.0+0" */
    const char *payload; /* file of the program */
    const char *name;    /* of the image's file */
    enum demo_slot slot; /* that it is linked for, where that matters */
    bool is_secure;      /* the secure program, of a board in two worlds */
    const char *needs;   /* "(image, version)", or NULL */
};

struct demo_signing {
    const char *words[28]; /* NULL behind the last */
    unsigned count;
    char numbers[6][16];
    unsigned number_count;
};

void demo_sign_words(const struct board_map *board, const struct demo_image *image,
                     struct demo_signing *signing);
/* The build's program NAME ("1.0.1") for that slot: "firmware/firmware-1.0.1.bin". */
const char *demo_program(const struct demo *demo, const char *name, enum demo_slot slot);
/* The slot that the released firmware goes to and runs from. */
enum demo_slot demo_release_slot(const struct demo *demo);
/* The device ends with the new firmware, whatever became of the job. */
bool demo_ends_on_new(const struct demo *demo);

/* setup.c: until version 1.0.0 is on line. */
bool demo_cloud(struct demo *demo);
bool demo_first_boot(struct demo *demo);
bool demo_provision(struct demo *demo);
bool demo_register(struct demo *demo);
bool demo_on_line(struct demo *demo);

/* update.c: from the release to the job's end. */
bool demo_release(struct demo *demo);
bool demo_update(struct demo *demo);
bool demo_verdict(struct demo *demo);
/* Asks the device for its version over the console. */
bool demo_still_works(struct demo *demo);
void demo_summary(const struct demo *demo);
bool demo_report(const struct demo *demo);

/* With --keep: how to release a further version by hand. */
void demo_next_release(const struct demo *demo);

/* Runs a command in the work folder, showing it; false when it fails. */
bool demo_run(struct demo *demo, const char *const words[]);
/* Signs it for the board, showing how. */
bool demo_sign(struct demo *demo, const struct demo_image *image);
bool demo_write_file(struct demo *demo, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define THING       "otter-demo"
#define DEMO_BUCKET "otter-demo-updates"
#define DEMO_POLICY "otter-demo-policy"

#endif
