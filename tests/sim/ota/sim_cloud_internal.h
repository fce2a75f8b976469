/* What the files of the simulated cloud share: the core that runs, and its certificate. */
#ifndef OTTER_TESTS_SIM_OTA_SIM_CLOUD_INTERNAL_H
#define OTTER_TESTS_SIM_OTA_SIM_CLOUD_INTERNAL_H

#include "cloud/core/core.h"
#include "cloud/core/registry/identity.h"
#include "cloud/reserved/reserved.h"
#include "cloud/store/db.h"
#include "tests/sim/ota/sim_cloud.h"

#define SIM_EPOCH_MS 1700000000000
#define SIM_BUCKET   "images"
#define SIM_DIR_SIZE 64

struct sim_core {
    struct cloud cloud;
    struct reserved_publisher publisher;
    char dir[SIM_DIR_SIZE + 8];
    unsigned generation; /* of dir */
    uint32_t asking;     /* connection that is being answered */
    otter_ms flush_at, tend_at;
    bool dying;
    struct principal principal;
    struct identity *identity; /* NULL: to be read again */
};

/* Ends the program when it is not. */
void sim_must(bool good, const char *what);
/* What an operator asks for is not refused; frees the answer. */
void sim_accepted(enum core_error error, struct answer *answer);
int64_t sim_clock_ms(void *cloud);

/* ---- sim_operator.c ---- */

/* Registers thing, certificate and policy in the present database, which all others are copies of.
 */
void sim_make_device(struct sim_cloud *cloud);
/* The next question for rights reads the registry. */
void sim_forget_identity(struct sim_cloud *cloud);
void sim_give_rights(struct sim_cloud *cloud);

#endif
