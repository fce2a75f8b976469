/* Which execution of a job this is, and what the last one leaves behind: the mark of it in the
 * store
 * ("ota/over", the name it has had since updates were the only jobs), as that execution is not
 * begun again whatever the cloud says, and how many in a row came to nothing. */
#ifndef OTTER_SERVICES_JOBS_JOBS_PAST_H
#define OTTER_SERVICES_JOBS_JOBS_PAST_H

#include <stdint.h>

#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JOBS_ID_MAX 64u

struct jobs_execution {
    char id[JOBS_ID_MAX + 1];
    uint32_t number;    /* executionNumber: a retry of the job is another execution */
    uint32_t queued_at; /* queuedAt: a job made anew under an old id is another one too */
};

/* Tells one execution of a job from all others. */
#define JOBS_MARK_SIZE 8u
void jobs_mark(const struct jobs_execution *execution, uint8_t mark[JOBS_MARK_SIZE]);

struct jobs_past {
    uint8_t mark[JOBS_MARK_SIZE]; /* of the last job that this device was done with */
    uint8_t barren;               /* jobs in a row that came to nothing */
};

/* As it lies in the store. */
#define JOBS_PAST_KEY  "ota/over"
#define JOBS_PAST_SIZE (JOBS_MARK_SIZE + 1u)
void jobs_past_form(const struct jobs_past *past, uint8_t form[JOBS_PAST_SIZE]);
/* Zeros when there is none or it cannot be read. */
void jobs_past_load(struct kv *kv, struct jobs_past *past);
otter_status jobs_past_save(struct kv *kv, const struct jobs_past *past);

#ifdef __cplusplus
}
#endif

#endif
