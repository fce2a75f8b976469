/* Status records tell how far a swap has come, if each of them could be written. A record that was
 * lost (a supply that sinks spoils a write before it fails) would make a swap go on where it must
 * not: it would erase the only copy of a part. So nothing is done on the word of records alone: at
 * a position both images, put together from where their parts would be, must be whole. If they are
 * not at the position recorded, the next one is tried; and if the primary's image is not valid, so
 * that there is nothing to lose but time, all of them.
 *
 * What is whole at a position is not touched by the step that follows, whatever was begun before.
 */
#include "boot/swap_progress.h"

#include "boot/swap_mix.h"

#define INCOMING (1u << SWAP_INCOMING)
#define OUTGOING (1u << SWAP_OUTGOING)

/* Two places may hold the same image, one as it was to be kept, the other as it came in: then the
 * position is not one where both images are whole. */
static bool is_whole(struct boot_state *state, unsigned sides)
{
    if ((sides & OUTGOING) != 0 && swap_verify_mix(state, SWAP_OUTGOING) != OTTER_OK)
        return false;
    const uint32_t outgoing = state->hash;
    return (sides & INCOMING) == 0 || (swap_verify_mix(state, SWAP_INCOMING) == OTTER_OK &&
                                       ((sides & OUTGOING) == 0 || state->hash != outgoing));
}

/* Sets the first position in [from, to] where these images are whole, and the ciphers for it. */
static bool find(struct boot_state *state, uint32_t from, uint32_t to, unsigned sides)
{
    const uint32_t steps = swap_steps(state);
    for (state->position = from; state->position <= to && state->position <= steps;
         state->position++) {
        if (is_whole(state, sides))
            return true;
    }
    return false;
}

/* If both images are whole at the next position too, its record may have been lost, and what the
 * step behind it was erasing may read well by chance: so it is read several times. And the last
 * record may be a torn one that an earlier boot read as erased: then its step was begun anew. */
#define READINGS 6u

static bool find_near(struct boot_state *state, uint32_t recorded)
{
    const bool next = find(state, recorded + 1, recorded + 1, INCOMING | OUTGOING);
    bool whole = true;
    for (unsigned i = next ? READINGS : 1; i > 0 && whole; i--)
        whole = find(state, recorded, recorded, INCOMING | OUTGOING);
    return whole || (next && find(state, recorded + 1, recorded + 1, INCOMING | OUTGOING)) ||
           (recorded > 0 && find(state, recorded - 1, recorded - 1, INCOMING | OUTGOING));
}

/* An old image that was never valid (the primary was being filled, or healed) is not waited for. */
enum swap_course swap_locate(struct boot_state *state)
{
    const uint32_t steps = swap_steps(state);
    const uint32_t recorded = state->position < steps ? state->position : steps;
    if (find_near(state, recorded))
        return SWAP_GOES_ON;
    const bool is_torn =
        state->is_doubtful || boot_verify(state, state->primary, state->limit) != OTTER_OK;
    if ((is_torn && find(state, 0, steps, INCOMING | OUTGOING)) ||
        find(state, recorded, recorded + 1, INCOMING) ||
        (is_torn && find(state, 0, steps, INCOMING)))
        return SWAP_GOES_ON;
    if (is_torn && find(state, 0, steps, OUTGOING))
        return SWAP_GOES_BACK;
    state->position = recorded;
    return SWAP_IS_STALE;
}

/* A revert does not fail because the image that it takes away cannot be kept. */
static otter_status attempt(struct boot_state *state)
{
    otter_status status = state->position == 0 ? swap_begin(state) : OTTER_OK;
    if (status != OTTER_OK)
        return status;
    status = swap_step(state);
    return state->type == SWAP_REVERT && swap_is_backup(state) ? OTTER_OK : status;
}

otter_status swap_advance(struct boot_state *state)
{
    const uint32_t steps = swap_steps(state);
    while (state->position < steps) {
        otter_status status = attempt(state);
        if (status != OTTER_OK)
            status = attempt(state);
        if (status != OTTER_OK)
            return status;
        swap_record(state);
        state->position++;
        boot_report_progress(state, state->position, steps);
    }
    (void)swap_end(state); /* tidies up: both images are in place */
    return OTTER_OK;
}

otter_status swap_retreat(struct boot_state *state)
{
    otter_status status = OTTER_OK;
    while (state->position > 0 && status == OTTER_OK) {
        state->position--;
        status = swap_unstep(state);
        if (status != OTTER_OK)
            status = swap_unstep(state);
    }
    return status;
}
