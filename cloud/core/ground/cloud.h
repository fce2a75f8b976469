/* The cloud's shared ground: one database, one clock, and who is told what.
 *
 * The core (everything under cloud/core/) says what AWS IoT does, and nothing of how it is asked:
 * it has no thread, no event loop, no socket and no clock of its own. Whoever runs it brings these:
 *
 *     time      cloud_config.now_ms, in milliseconds since 1970
 *     work      cloud_host.run, for digests and signatures that take long; without it they are made
 *               at once, on the caller's stack
 *     turns     cloud_turn, called soon after cloud_host.turn_soon, or again and again
 *     tending   core_tend (core.h), every few seconds
 *     listeners cloud.notify (notices to things), cloud.watch (changes of identities)
 *
 * cloud/loop/ brings them for `otter cloud`; a test or a simulation may do without all but the
 * clock. Nothing here locks: one thread at a time.
 *
 * Functions of the core take the cloud first, change the database inside one transaction, and then
 * send notices with cloud_notify, which waits for the commit. They are called alike by the gateway
 * (MQTT) and by the API (HTTP). */
#ifndef OTTER_CLOUD_CORE_GROUND_CLOUD_H
#define OTTER_CLOUD_CORE_GROUND_CLOUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/core/ground/answer.h"
#include "cloud/core/ground/log.h"
#include "cloud/core/ground/notify.h"
#include "port/status.h"

struct cloud;
struct cloud_later;
struct content_hold;
struct credentials;
struct db;
struct fleet_keys;
struct ota_work;
struct topic_rules;
struct windows;

#define CLOUD_REGION  "us-east-1"
#define CLOUD_ACCOUNT "123456789012"

struct cloud_config {
    const char *dir;    /* holds otter.db; exists already */
    const char *region; /* NULL: CLOUD_REGION */
    const char *account;
    int64_t (*now_ms)(void *context); /* milliseconds since 1970; NULL: the system's clock */
    void *now_context;
    /* The access keys of the account, see account/credentials.h; outlive the cloud. NULL: none. */
    const struct credentials *credentials;
    /* How long Device Defender keeps metrics' values and violation events; 0: 14 and 30. */
    unsigned keep_values_days, keep_events_days;
    bool strict; /* refuse what AWS's documentation leaves open but AWS's own devices avoid */
};

/* A request to a server, made for somebody: POST, the body as JSON or as bytes. Texts are the
 * caller's for the time of the call. */
struct cloud_post {
    const char *url;       /* http://HOST[:PORT]/PATH */
    const json_t *headers; /* [{"key","value"}...] */
    bool json;
    const void *body;
    size_t length;
    /* Once, perhaps at once: why it failed, or NULL. */
    void (*done)(void *of, const char *why);
    void *of;
};

/* Who runs the core. All may be NULL. */
struct cloud_host {
    /* Calls `work` somewhere, and when that has returned `done` on the core's thread. Work takes
     * bytes in and gives bytes out, and touches neither the database nor anything else that the
     * core uses in the meantime. */
    void (*run)(void *context, void (*work)(void *of), void (*done)(void *of), void *of);
    /* Something waits for cloud_turn. */
    void (*turn_soon)(void *context);
    /* Sends a request, and tells when it has been answered. */
    void (*post)(void *context, const struct cloud_post *post);
    void *context;
};

/* Who must hear of changes. All may be NULL. */
struct cloud_watch {
    /* Certificates, policies or attachments changed: live connections must be looked at again,
     * those of one certificate (its id) or, if that is NULL, all. */
    void (*identity_changed)(void *context, const char *certificate);
    /* The same of a user (account/users.h): its policies, or it is gone. */
    void (*user_changed)(void *identity_context, const char *user);
    void *identity_context;
    /* A thing was deleted: services forget what they keep of it. Set by core_start. */
    void (*thing_removed)(struct cloud *cloud, const char *thing);
    /* A thing was added to a thing group, or taken out of it. Called in the transaction that does
     * so: anything but OTTER_OK undoes it. Set by core_start. */
    otter_status (*thing_joined)(struct cloud *cloud, const char *thing, const char *group);
    otter_status (*thing_left)(struct cloud *cloud, const char *thing, const char *group);
};

struct cloud {
    struct db *db;
    char dir[512];
    char region[32];
    char account[16];
    bool strict;                                 /* as configured */
    unsigned keep_values_days, keep_events_days; /* as configured */
    const struct credentials *credentials;
    int64_t (*now_ms)(void *context); /* as configured */
    void *now_context;

    /* Where devices reach S3, for presigned URLs: "https://HOST:PORT"; set by whoever runs it.
     * "": AWS's own name of S3. */
    char downloads[300];

    struct cloud_host host;
    struct notify notify;
    struct outlet outlet;
    struct cloud_watch watch;

    struct cloud_later *later;     /* what waits for a turn; cloud_do_later */
    uint64_t turn;                 /* turns so far */
    int64_t expiry_ms, ages_ms;    /* core_tend's */
    struct windows *windows;       /* of streams/ */
    struct ota_work *updates;      /* of ota/: those that are being signed */
    struct fleet_keys *fleet_keys; /* of fleet/: those that are made ahead */
    unsigned hops; /* topic rules that what is being done now comes from, see struct message */
    struct topic_rules *topic_rules; /* of rules/: those that are enabled */
    struct content_hold *holds;      /* of account/: large contents being read */
};

/* Opens the database in config->dir. Returns OTTER_OK, or OTTER_E_IO after saying on stderr what
 * is wrong; then there is nothing to close. Called by core_start. */
otter_status cloud_open(struct cloud *cloud, const struct cloud_config *config);
/* Forgets what waits for a turn, and closes the database. */
void cloud_close(struct cloud *cloud);

/* ---- time ---- */

int64_t cloud_now_ms(const struct cloud *cloud);
int64_t cloud_now(const struct cloud *cloud); /* seconds */

/* ---- turns ---- */

/* Long work beside the core: see cloud_host. Without a host's `run`, both calls are made before
 * this returns. */
void cloud_run(struct cloud *cloud, void (*work)(void *of), void (*done)(void *of), void *of);

/* Calls `what` in the next turn, after others had theirs: for what is to be done when the answer is
 * on its way, and for the next piece of what is done piece by piece. */
void cloud_do_later(struct cloud *cloud, void (*what)(void *of), void *of);
/* Not that, after all. Does nothing when it does not wait. */
void cloud_forget_later(struct cloud *cloud, void (*what)(void *of), void *of);
/* Does what waits now; what is asked for meanwhile waits for the next turn. True: something does.
 */
bool cloud_turn(struct cloud *cloud);
/* Whether something waits. */
bool cloud_waits(const struct cloud *cloud);

/* ---- notices and watchers ---- */

/* Hands a notice to cloud->notify once what is written to the database so far is on the disk; not
 * at all when it is rolled back. `body` is stolen; an object, to which `timestamp` (seconds) is
 * added. */
void cloud_notify(struct cloud *cloud, enum notice_kind kind, const char *thing, json_t *body);
/* The same about a part of the thing that has a name, such as a shadow; NULL: no name. */
void cloud_notify_named(struct cloud *cloud, enum notice_kind kind, const char *thing,
                        const char *name, json_t *body);

/* Hands a message to cloud->outlet under the same conditions; it is copied. */
void cloud_publish(struct cloud *cloud, const struct message *message);

/* To be called after each change to policies and things that may concern any certificate.
 * Connections see the new policies from their next packet on. */
void cloud_identity_changed(struct cloud *cloud);
/* The same when only one certificate is concerned: its status, or what is attached to it.
 * `certificate` is its id or ARN. Its connections end at once if it is no longer ACTIVE. */
void cloud_certificate_changed(struct cloud *cloud, const char *certificate);
/* The same when it is a user. */
void cloud_user_changed(struct cloud *cloud, const char *user);

#endif
