/* What happens to a rig: programmer, download, application, boots and power cuts; and the checks.
 */
#include "tests/sim/mcuboot/rig.h"

#include <stdio.h>
#include <string.h>

#include "image/bytes.h"

const struct rig_cuts rig_every_cut = {1, 1, CUT_ALL_KINDS, false};

static void must(const struct rig *rig, otter_status status, const char *what)
{
    rig_check(rig, status == OTTER_OK, what);
}

static struct nor_device *device_of(struct rig *rig, enum rig_area area)
{
    return &rig->device[rig->layout->place[rig->image][area].device];
}

uint8_t *rig_data(struct rig *rig, enum rig_area area)
{
    return device_of(rig, area)->data + rig->area[rig->image][area].offset;
}

void rig_flash(struct rig *rig, enum rig_area area, enum version version)
{
    nor_load(device_of(rig, area), rig->area[rig->image][area].offset, rig_bytes(version),
             rig_end(version));
}

void rig_pad(struct rig *rig, enum rig_area area, unsigned fields)
{
    const struct flash_area *slot = &rig->area[rig->image][area];
    const uint32_t align = rig->variant.max_align;
    if ((fields & PAD_IMAGE_OK) != 0)
        must(rig, trailer_write_flag(slot, align, TRAILER_IMAGE_OK, 1), "pad");
    if ((fields & PAD_COPY_DONE) != 0)
        must(rig, trailer_write_flag(slot, align, TRAILER_COPY_DONE, 1), "pad");
    if ((fields & PAD_MAGIC) != 0)
        must(rig, trailer_write_magic(slot, align), "pad");
}

uint32_t rig_candidate_offset(const struct rig *rig)
{
    return rig_is_mode("offset") ? rig_sector(rig) : 0;
}

void rig_download(struct rig *rig, enum version version)
{
    static uint8_t padded[RIG_SLOT_MAX + FLASH_WRITE_SIZE_MAX];
    const struct flash_area *slot = &rig->area[rig->image][SECONDARY];
    const uint32_t size = round_up(rig_end(version), slot->flash->write_size);
    memset(padded, slot->flash->erased_value, size);
    memcpy(padded, rig_bytes(version), rig_end(version));
    must(rig, trailer_prepare(slot), "prepare the trailer");
    must(rig, flash_erase(slot, 0, slot->size), "erase the secondary slot");
    must(rig, flash_program(slot, rig_candidate_offset(rig), padded, size), "write the candidate");
}

void rig_ask(struct rig *rig, bool permanent)
{
    must(rig, trailer_request(&rig->area[rig->image][SECONDARY], rig->variant.max_align, permanent),
         "the request could not be made");
}

void rig_confirm(struct rig *rig)
{
    must(rig, trailer_confirm(&rig->area[rig->image][PRIMARY], rig->variant.max_align),
         "the image could not be confirmed");
}

/* --- booting ---------------------------------------------------------------------------------- */

static void boot_body(void *context)
{
    struct rig *rig = context;
    rig->status = boot_go(&rig->config, &rig->result);
}

bool rig_boot_cut(struct rig *rig, uint32_t at, enum nor_cut cut)
{
    rig->status = OTTER_E_INTERNAL;
    rig->logged = 0;
    memset(&rig->result, 0, sizeof rig->result);
    rig->power.seed = at * 0x9e3779b9u ^ rig->seed << 8 ^ rig->variant.write_size;
    nor_power_plan(&rig->power, at, cut);
    return nor_power_run(&rig->power, boot_body, rig) == NOR_RUN_CUT;
}

void rig_try_boot(struct rig *rig)
{
    rig_boot_cut(rig, 0, NOR_CUT_BEFORE);
}

void rig_boot(struct rig *rig)
{
    rig_try_boot(rig);
    rig_check(rig, rig->device[0].rule_breaks + rig->device[1].rule_breaks == 0,
              "a flash rule was broken");
    rig_check(rig, rig->status == OTTER_OK, "nothing could be started");
}

void rig_save(const struct rig *rig, struct rig_snapshot *snapshot)
{
    for (unsigned i = 0; i < RIG_DEVICES; i++) {
        if (rig->device[i].data != NULL)
            nor_snapshot_take(&rig->device[i], &snapshot->device[i]);
    }
}

void rig_restore(struct rig *rig, const struct rig_snapshot *snapshot)
{
    for (unsigned i = 0; i < RIG_DEVICES; i++) {
        if (rig->device[i].data != NULL)
            nor_snapshot_restore(&rig->device[i], &snapshot->device[i]);
    }
}

void rig_snapshot_free(struct rig_snapshot *snapshot)
{
    for (unsigned i = 0; i < RIG_DEVICES; i++)
        nor_snapshot_free(&snapshot->device[i]);
}

static void cut_once(struct rig *rig, const struct rig_snapshot *start, uint32_t at,
                     enum nor_cut kind, uint32_t operations,
                     void (*check)(struct rig *rig, bool ends))
{
    rig_restore(rig, start);
    snprintf(rig->note, sizeof rig->note, "power cut at operation %u of %u (%s)", at, operations,
             nor_cut_name(kind));
    rig_check(rig, rig_boot_cut(rig, at, kind), "the boot did fewer operations than before");
    rig_boot(rig);
    check(rig, at == operations && kind != NOR_CUT_BEFORE);
}

void rig_cut_each(struct rig *rig, const struct rig_cuts *cuts,
                  void (*check)(struct rig *rig, bool ends))
{
    struct rig_snapshot start = {0};
    rig_save(rig, &start);
    rig_boot(rig);
    const uint32_t operations = rig->power.operations;
    for (uint32_t at = cuts->first; at <= operations; at += cuts->stride) {
        for (enum nor_cut kind = NOR_CUT_BEFORE; kind < NOR_CUT_KINDS; kind++) {
            const bool is_turn = !cuts->rotate || at % NOR_CUT_KINDS == kind;
            if (is_turn && (cuts->kinds >> kind & 1u) != 0)
                cut_once(rig, &start, at, kind, operations, check);
        }
    }
    rig->note[0] = '\0';
    rig_restore(rig, &start);
    rig_boot(rig);
    rig_snapshot_free(&start);
}

/* --- what must hold --------------------------------------------------------------------------- */

bool rig_holds(const struct rig *rig, enum rig_area area, uint32_t offset, enum version version)
{
    const struct nor_device *nor = &rig->device[rig->layout->place[rig->image][area].device];
    const uint32_t start = rig->area[rig->image][area].offset + offset;
    if (memcmp(nor->data + start, rig_bytes(version), rig_end(version)) != 0)
        return false;
    for (uint32_t i = 0; nor->unstable_bytes > 0 && i < rig_end(version); i++) {
        if (nor->unstable[start + i] != 0)
            return false;
    }
    return true;
}

void rig_expect_running(const struct rig *rig, enum version version)
{
    rig_check(rig, rig->status == OTTER_OK, "nothing was started");
    rig_check(rig, rig->result.header.version.major == version, "the wrong image was started");
    rig_check(rig, rig_holds(rig, PRIMARY, 0, version), "the image is not whole in the primary");
}

void rig_expect_other(const struct rig *rig, enum version version, bool back)
{
    rig_check(rig, rig_holds(rig, SECONDARY, back ? rig_candidate_offset(rig) : 0, version),
              "the other image is not whole in the secondary");
}

void rig_expect_trailer(const struct rig *rig, enum rig_area area, enum trailer_mark magic,
                        enum trailer_mark image_ok, enum trailer_mark copy_done)
{
    struct trailer trailer;
    trailer_read(&rig->area[rig->image][area], rig->variant.max_align, &trailer);
    rig_check(rig, trailer.magic == magic, area == PRIMARY ? "primary: magic" : "secondary: magic");
    rig_check(rig, trailer.image_ok == image_ok,
              area == PRIMARY ? "primary: image_ok" : "secondary: image_ok");
    rig_check(rig, trailer.copy_done == copy_done,
              area == PRIMARY ? "primary: copy_done" : "secondary: copy_done");
}

static void expect_no_request(const struct rig *rig)
{
    rig_expect_trailer(rig, SECONDARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
}

void rig_expect_trial(const struct rig *rig)
{
    rig_expect_running(rig, NEW);
    rig_expect_trailer(rig, PRIMARY, TRAILER_GOOD, TRAILER_UNSET, TRAILER_SET);
    rig_expect_other(rig, OLD, false);
    expect_no_request(rig);
}

void rig_expect_permanent(const struct rig *rig)
{
    rig_expect_running(rig, NEW);
    expect_no_request(rig);
    if (!rig_reverts())
        return;
    rig_expect_trailer(rig, PRIMARY, TRAILER_GOOD, TRAILER_SET, TRAILER_SET);
    rig_expect_other(rig, OLD, false);
}

void rig_expect_reverted(const struct rig *rig)
{
    rig_expect_running(rig, OLD);
    rig_expect_trailer(rig, PRIMARY, TRAILER_GOOD, TRAILER_SET, TRAILER_SET);
    rig_expect_other(rig, NEW, true);
    expect_no_request(rig);
}

static bool is_confirmed(const struct rig *rig)
{
    struct trailer trailer;
    trailer_read(&rig->area[rig->image][PRIMARY], rig->variant.max_align, &trailer);
    return trailer.magic == TRAILER_GOOD && !trailer_on_trial(&trailer);
}

void rig_check_trial(struct rig *rig, bool ends)
{
    if (ends && rig_holds(rig, PRIMARY, 0, OLD))
        rig_expect_reverted(rig);
    else
        rig_expect_trial(rig);
}

/* The last flag itself may be torn: then it reads as set or bad, and the image is confirmed. */
void rig_check_permanent(struct rig *rig, bool ends)
{
    if (!ends) {
        rig_expect_permanent(rig);
        return;
    }
    rig_expect_running(rig, NEW);
    if (rig_reverts()) {
        rig_expect_other(rig, OLD, false);
        rig_check(rig, is_confirmed(rig), "the image is not confirmed");
    }
}

void rig_check_revert(struct rig *rig, bool ends)
{
    rig_expect_running(rig, OLD);
    rig_expect_other(rig, NEW, true);
    if (!ends)
        rig_check(rig, is_confirmed(rig), "the image is not confirmed");
}

void rig_expect_next_update(struct rig *rig, enum version running)
{
    rig_confirm(rig);
    rig_download(rig, NEXT);
    rig_ask(rig, false);
    rig_boot(rig);
    rig_expect_running(rig, NEXT);
    if (!rig_reverts())
        return;
    rig_expect_other(rig, running, false);
    rig_boot(rig);
    rig_expect_running(rig, running);
}
