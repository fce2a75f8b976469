/* The mark of the last job, and how many came to nothing. */
#include "services/jobs/jobs_past.h"

#include <string.h>

#include "image/crypto.h"
#include "image/image.h"

static void hash_number(struct image_sha256 *sha, uint32_t number)
{
    const uint8_t bytes[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16),
                              (uint8_t)(number >> 24)};
    image_sha256_update(sha, bytes, sizeof bytes);
}

void jobs_mark(const struct jobs_execution *execution, uint8_t mark[JOBS_MARK_SIZE])
{
    struct image_sha256 sha;
    uint8_t digest[IMAGE_HASH_SIZE];
    const uint8_t length = (uint8_t)strlen(execution->id);
    image_sha256_init(&sha);
    image_sha256_update(&sha, &length, 1);
    image_sha256_update(&sha, execution->id, length);
    hash_number(&sha, execution->number);
    hash_number(&sha, execution->queued_at);
    image_sha256_finish(&sha, digest);
    memcpy(mark, digest, JOBS_MARK_SIZE);
}

void jobs_past_form(const struct jobs_past *past, uint8_t form[JOBS_PAST_SIZE])
{
    memcpy(form, past->mark, JOBS_MARK_SIZE);
    form[JOBS_MARK_SIZE] = past->barren;
}

/* The count may be absent: older firmware kept none. */
void jobs_past_load(struct kv *kv, struct jobs_past *past)
{
    uint32_t length = 0;
    uint8_t form[JOBS_PAST_SIZE] = {0};
    const otter_status status = kv_get(kv, JOBS_PAST_KEY, form, sizeof form, &length);
    memset(past, 0, sizeof *past);
    if (status != OTTER_OK || length < JOBS_MARK_SIZE)
        return;
    memcpy(past->mark, form, JOBS_MARK_SIZE);
    past->barren = form[JOBS_MARK_SIZE];
}

otter_status jobs_past_save(struct kv *kv, const struct jobs_past *past)
{
    uint8_t form[JOBS_PAST_SIZE];
    jobs_past_form(past, form);
    return kv_set(kv, JOBS_PAST_KEY, form, sizeof form);
}
