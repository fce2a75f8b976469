/* A cloud core and nothing else: no broker, loop or thread. Its own folder, a clock that the test
 * moves, what it tells kept. */
#ifndef TEST_CLOUD_FIXTURE_H
#define TEST_CLOUD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/types.h>

#include "cloud/core/ground/cloud.h"
#include "cloud/reserved/reserved.h"

#define ACCOUNT_ARN "arn:aws:iot:" CLOUD_REGION ":" CLOUD_ACCOUNT ":"

struct fixture {
    struct cloud cloud;
    char dir[64];
    int64_t now_ms;
    struct reserved_publisher publisher;
    json_t *published; /* [{"topic","payload":json}] since the last fixture_forget */
};

int fixture_setup(void **state);
/* With a thing, "t". */
int fixture_setup_thing(void **state);
int fixture_teardown(void **state);
/* Closes and opens the database, as a restart of the cloud does. */
void fixture_restart(struct fixture *fixture);
void fixture_forget(struct fixture *fixture);
/* The payload that was last published on the topic, or NULL. */
const json_t *fixture_published(struct fixture *fixture, const char *topic);

void fixture_thing(struct fixture *fixture, const char *name);
/* Makes a signing profile with a new P-256 key, which is returned and freed by the caller. */
EVP_PKEY *fixture_profile(struct cloud *cloud, const char *name);
/* Members as JSON text with ' for ". */
json_t *members(const char *text);

#endif
