/* The deadline of a firmware on trial. */
#include "firmware/trial.h"

#include "image/trailer.h"

static bool is_tried(const struct trial *trial, const struct flash_area *slot)
{
    struct trailer trailer;
    trailer_read(slot, trial->max_align, &trailer);
    return trailer_on_trial(&trailer);
}

static bool on_trial(const struct trial *trial)
{
    return is_tried(trial, trial->primary) ||
           (trial->partner != NULL && is_tried(trial, trial->partner));
}

void trial_start(struct trial *trial, const struct flash_area *primary,
                 const struct flash_area *partner, uint32_t max_align, uint32_t limit_ms,
                 otter_ms now)
{
    *trial = (struct trial){
        .primary = primary, .partner = partner, .max_align = max_align, .deadline = OTTER_NEVER};
    if (on_trial(trial))
        trial->deadline = now + limit_ms;
}

bool trial_expired(struct trial *trial, otter_ms now)
{
    if (now < trial->deadline)
        return false;
    trial->deadline = OTTER_NEVER;
    return on_trial(trial);
}
