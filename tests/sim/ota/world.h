/* One device, one cloud and the network between them, on virtual time, from a seed.
 *
 * The device is real: bootloader core, store, MQTT session and update agent over a simulated NOR
 * flash whose power can be cut. The cloud is cloud/core itself, see sim_cloud.h, behind a minimal
 * broker. The network loses, delays, repeats and reorders messages and breaks connections as told.
 * Image cryptography is tests/sim/boot/sim_crypto.c; the code signature is real. */
#ifndef OTTER_TESTS_SIM_OTA_WORLD_H
#define OTTER_TESTS_SIM_OTA_WORLD_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "boot/boot.h"
#include "services/ota/ota.h"
#include "services/ota/source_stream.h"
#include "tests/sim/nor_sim.h"
#include "tests/sim/ota/sim_cloud.h"
#include "tests/sim/ota/http_server.h"

#define WORLD_THING      "sim-thing"
#define WORLD_EVENTS_MAX 512u
#define WORLD_IMAGES_MAX 8u
#ifndef WORLD_SLOT_SIZE
#define WORLD_SLOT_SIZE 0x4000u
#define WORLD_SECTOR    2048u
#define WORLD_BLOCK     1024u
#endif

/* Direct XIP: address of the flash, in which odd versions are linked for the primary slot and even
 * ones for the secondary. 0: images run from the primary slot. */
#ifndef WORLD_XIP_BASE
#define WORLD_XIP_BASE 0u
#endif

/* How a firmware behaves once it runs. */
enum behaviour { BEHAVES, CRASHES, NEVER_CONNECTS, FAILS_ITS_TEST };

struct world_image {
    uint8_t bytes[WORLD_SLOT_SIZE];
    uint32_t size;
    uint8_t signature[72]; /* code signature, DER */
    size_t signature_length;
};

/* What goes wrong. Shares are in 1/1000 for each message. */
struct trouble {
    uint32_t lose_message; /* the n-th publish, counted in both directions; 0: none */
    uint32_t lost;
    uint32_t repeated;
    uint32_t disconnects;
    uint32_t delay_ms;                /* at most, for each message; at least 5 */
    uint32_t messages_per_connection; /* publishes to the device before it is lost; 0: any number */
    uint32_t backoff_cap_ms;          /* of the session; 0: 8 s */
    uint32_t
        cloud_kills;  /* share of requests at which the cloud is killed, before its commit ... */
    uint32_t kill_at; /* the n-th request at which it is; 0: none */
    bool kill_after_commit; /* ... or after it, and before the answer arrives */
    uint32_t power_cuts;    /* at random operations */
    uint32_t cut_at;        /* the operation since the world began, 0: none */
    enum nor_cut cut;
    enum ota_state cancel_in; /* the job is cancelled when this state is entered first ... */
    bool cancels;
    bool cancel_unheard; /* ... and its notification gets lost */
    bool denies;         /* in that state the device's policy goes instead, for 10 s ... */
    bool denies_filters; /* ... of it only what is about subscriptions, and the connection breaks */
    uint32_t window;
    bool check_signature;  /* the agent knows the bootloader's keys */
    bool by_range;         /* jobs offer HTTP only: blocks come from http_server.c ... */
    bool ranges_expire;    /* ... whose addresses are not good any more */
    uint32_t range_errors; /* ... which refuses each n-th range for now; 0: none */
    uint32_t address_uses; /* ranges that an address is good for; 0: any number */
    const char *answer;    /* to the n-th request for a range and all later ones ... */
    uint32_t answer_from;
    uint32_t piece_ms;        /* at most, for each piece of an answer */
    uint32_t drops_from;      /* each byte of the n-th answer and later ones takes 20 s; 0: none */
    uint32_t cancel_at_range; /* the job is cancelled at the n-th request for a range; 0: none */
    bool unreachable;         /* no connection to that server comes up */
    bool either;              /* jobs offer MQTT, which the device likes best, and HTTP */
    bool claims;              /* another service of the firmware claims jobs of others */
};

enum world_event_type { TO_DEVICE, TO_CLOUD };

struct world_event {
    otter_ms at;
    uint32_t connection;
    enum world_event_type type;
    uint32_t length;
    char topic[257]; /* of TO_CLOUD */
    uint8_t *bytes;
};

struct world {
    uint32_t random;
    otter_ms now;
    struct trouble trouble;
    struct sim_cloud cloud;

    struct world_event events[WORLD_EVENTS_MAX];
    uint32_t event_count;
    uint32_t connection; /* number of the present one; its broker's side below */
    bool connected;
    uint32_t received;   /* publishes that came to the device on it */
    otter_ms connect_at; /* when the transport comes up; OTTER_NEVER: not being opened */
    uint8_t stream[8192];
    uint32_t stream_length;
    char filters[8][257];
    uint32_t dead_connection; /* this one and earlier ones ended in a cloud that was killed ... */
    otter_ms hang_up_at;      /* ... which the device sees then; OTTER_NEVER: not so */
    otter_ms cloud_back_at;   /* until then it is being started */
    uint32_t messages;        /* publishes so far */
    uint32_t streamed;        /* requests for blocks of a stream */
    uint32_t ranges;          /* blocks that came by range */
    uint32_t addresses;       /* read from job documents */

    struct nor_power power;
    struct nor_device nor;
    struct flash_area primary, secondary, scratch, store, progress;
    bool in_secondary;   /* the firmware runs from there */
    uint32_t operations; /* before the present run */
    uint32_t resets;

    struct kv kv;
    struct pki pki;
    struct pki_part labels;
    struct mqtt_session mqtt;
    struct jobs jobs;
    struct jobs_handler other;                 /* see `claims` */
    void (*start_others)(struct world *world); /* adds handlers in each life; NULL: none */
    void (*tick_others)(struct world *world);  /* ... and gives them their turns */
    bool wants_reset;                          /* one of them does */
    struct ota ota;
    struct ota_source_stream blocks;
    struct http_server files;
    struct ota_source *sources[2];
    bool pair;             /* there is a partner, image 1 */
    const uint8_t *second; /* of the last pair, its file 1 */
    uint32_t second_size;
    struct flash_area second_primary, second_secondary;
    uint32_t mixed; /* boots that started images of different versions */
#if OTA_IMAGES_MAX > 1
    struct ota_partner partner;
#endif
    struct flash_area spare; /* for files that are no images */
#if OTA_STAGING
    const struct ota_staging *staging;
#endif
    uint8_t input[WORLD_BLOCK + 2560u]; /* with addresses as long as presigned ones */
    uint8_t output[2048];
    jsmntok_t tokens[JOBS_TOKENS_MIN];
    uint8_t running;               /* major version of the firmware that runs */
    bool device_dead;              /* nothing to boot */
    bool stalled;                  /* the device spins without getting on */
    bool unbounded;                /* the device waits for something without a deadline */
    uint32_t visited;              /* bit set of agent states */
    enum behaviour behaviour[256]; /* by major version */

    otter_ms until;
    bool (*done)(struct world *world);
};

/* Signed images are made once for all worlds: version `number`.0.0, with `end` bytes. `good_key`
 * false: signed with a key that the bootloader does not trust. */
const struct world_image *world_image(uint8_t number, uint32_t end, bool good_key);
/* The same image, which needs image `needs_image` to be at least version `needs`.0.0. */
const struct world_image *world_image_needing(uint8_t number, uint32_t end, uint8_t needs_image,
                                              uint8_t needs);
/* The same image for one class of device only. */
const struct world_image *world_image_of_class(uint8_t number, uint32_t end, uint8_t device_class);
/* Any other bytes as a file with its code signature. */
void world_sign(struct world_image *file);
uint32_t world_image_size_max(void);
const char *world_signer_pem(void);

/* Device with firmware 1.0.0, provisioned, switched off. */
void world_create(struct world *world, uint32_t seed, const struct trouble *trouble);
void world_destroy(struct world *world);

/* An OTA job for the image, as create-ota-update makes it. */
void world_add_update(struct world *world, const char *id, const struct world_image *image);
/* The same with a text in the document replaced. */
void world_add_update_with(struct world *world, const char *id, const struct world_image *image,
                           const char *piece, const char *instead);

/* Runs until `done` says so (true) or for `limit` more milliseconds (false). */
bool world_run(struct world *world, bool (*done)(struct world *world), otter_ms limit);
/* All jobs are terminal and the agent has nothing left to do. */
bool world_at_rest(struct world *world);

/* A partner beside the device's firmware, image 1, of version 1.0.0 too; after world_create. */
void world_add_partner(struct world *world);
/* An OTA job for both images. */
void world_add_pair(struct world *world, const char *id, const struct world_image *first,
                    const struct world_image *second);
/* Major version of the partner in place. */
uint8_t world_partner_version(const struct world *world);

/* The session says goodbye; it does not come back before the connection does (files.lent). */
void world_lend_connection(struct world *world);

bool world_on_trial(const struct world *world);
uint32_t world_random(struct world *world, uint32_t below);

#endif
