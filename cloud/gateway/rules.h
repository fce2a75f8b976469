/* Where AWS IoT is stricter than MQTT or than a test bench would like: each rule is on, with AWS's
 * numbers, unless it is relaxed.
 *
 *   sni         the name that a device asks for in TLS must be this cloud's, if its certificate was
 *               registered without a CA
 *   dates       a certificate outside its dates is refused
 *   retained    a filter with wildcards brings no retained messages
 *   parent      `par/#` does not match `par`
 *
 *   publish=N   PUBLISHes a second, each way on each connection; more are lost (100)
 *   bytes=N     bytes a second, each way on each connection; more come later (524288)
 *   connect=N   CONNECTs a second of one client id; more are refused (1)
 *   session=N   seconds that a session outlives its connection at most, 604800 or less (3600)
 *   greeting=N  seconds for TLS, and again for CONNECT: an emulated or small board needs some (15)
 */
#ifndef OTTER_CLOUD_GATEWAY_RULES_H
#define OTTER_CLOUD_GATEWAY_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rule { RULE_SNI = 1, RULE_DATES = 2, RULE_RETAINED = 4, RULE_PARENT = 8 };

struct rules {
    unsigned relaxed;                  /* of enum rule */
    unsigned publish, bytes, connects; /* a second; 0: as many as they like */
    unsigned greeting;                 /* seconds; 0: as long as they like */
    unsigned session;                  /* seconds; 0: a week */
};

#define RULES_AWS                                                                                  \
    {                                                                                              \
        0, 100, 524288, 1, 15, 3600                                                                \
    }

/* Relaxes the rules of a list, "sni,dates"; "all" is each and every limit. False: one is unknown.
 */
bool rules_relax(struct rules *rules, const char *list);
/* Sets a limit, "publish=500". False: there is none of that name, or it is no number. */
bool rules_limit(struct rules *rules, const char *text);

/* How long a session outlives its connection at most, seconds. */
uint32_t rules_session_s(const struct rules *rules);

/* So many a second, and a second's worth at once. All zero is full. */
struct rate_bucket {
    int64_t since_us; /* when it was empty, had it been filled at that rate ever since */
};

/* Takes one of `rate` a second, holding `most`; false when there is none. `rate` 0: always true. */
bool rate_take(struct rate_bucket *bucket, unsigned rate, unsigned most);
/* How long until there is one to take; 0: now. */
int64_t rate_next_us(const struct rate_bucket *bucket, unsigned rate);

/* Takes any amount, if need be of what the bucket will only have later: until then rate_wait_us
 * is above 0. It holds a second's worth. `rate` 0: no limit. */
void rate_spend(struct rate_bucket *bucket, unsigned rate, size_t amount);
int64_t rate_wait_us(const struct rate_bucket *bucket, unsigned rate);

#endif
