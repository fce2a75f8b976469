/* What the cloud tells a thing of its own accord, without being asked.
 *
 * The core knows neither topics nor brokers: it hands a notice to whoever is to deliver it. In
 * `otter cloud` that is the link to the broker (tool/cloud.c connects them through
 * cloud/reserved/, which knows the topics); in a test or a simulation, the test. */
#ifndef OTTER_CLOUD_CORE_GROUND_NOTIFY_H
#define OTTER_CLOUD_CORE_GROUND_NOTIFY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum notice_kind {
    NOTICE_JOBS,      /* the list of pending job executions gained or lost an entry */
    NOTICE_JOBS_NEXT, /* another execution than before is the first of that list */
    /* of the shadow `name`: */
    NOTICE_SHADOW_UPDATED,   /* an update was taken: what it has, and the new version */
    NOTICE_SHADOW_DOCUMENTS, /* the shadow before it and after it */
    NOTICE_SHADOW_DELTA,     /* what is desired and not reported after it */
    NOTICE_SHADOW_DELETED,
    /* a certificate has registered itself; `thing` is the id of the authority that signed it */
    NOTICE_CERTIFICATE_REGISTERED,
    /* what became of a job, or of an execution of it; `thing` is the job, `name` the word for it */
    NOTICE_JOB_EVENT,
    NOTICE_EXECUTION_EVENT,
};

struct notice {
    enum notice_kind kind;
    const char *thing;
    const char *name;   /* of the thing's part that it is about; NULL: it has none */
    const json_t *body; /* an object, as AWS words it, `timestamp` included */
};

/* Gets each notice once, when what it tells of is on the disk, in the order of the changes; what
 * is rolled back is never told. All of the notice is the caller's, for the time of the call. It
 * must not block, and may call the core. */
struct notify {
    void (*send)(void *context, const struct notice *notice); /* NULL: nobody listens */
    void *context;
};

/* An ordinary message, whatever it is about, as a user of the APIs publishes it. */
struct message {
    const char *topic;
    const void *payload;
    size_t length;
    int qos; /* 0 or 1 */
    bool retain;
    bool by_rule;  /* a rule has made this one itself: on a reserved topic it is a request */
    unsigned hops; /* topic rules that it comes from, one by another: 0 when none made it */
};

/* Gets each message that the core is asked to publish, as `struct notify` gets notices. */
struct outlet {
    void (*publish)(void *context, const struct message *message); /* NULL: nobody listens */
    void *context;
};

#endif
