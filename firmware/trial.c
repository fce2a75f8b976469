/* The deadline of a firmware on trial. */
#include "firmware/trial.h"

#include "image/trailer.h"

static bool on_trial(const struct trial *trial)
{
    struct trailer trailer;
    trailer_read(trial->primary, trial->max_align, &trailer);
    return trailer_on_trial(&trailer);
}

void trial_start(struct trial *trial, const struct flash_area *primary, uint32_t max_align,
                 uint32_t limit_ms, otter_ms now)
{
    *trial = (struct trial){.primary = primary, .max_align = max_align, .deadline = OTTER_NEVER};
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
