/* Builds traces, operation by operation, and does them on the rig. */
#include "tests/sim/mcuboot/traces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"

#define COPY_SIZE 1024u
#define UNIT      4u

static struct trace_op *add(struct trace *trace)
{
    assert_true(trace->count < TRACE_MAX);
    return &trace->ops[trace->count++];
}

void trace_erase(struct trace *trace, enum rig_area area, uint32_t offset)
{
    *add(trace) = (struct trace_op){.kind = TRACE_ERASE, .area = area, .offset = offset};
    trace->erases++;
}

static void add_write(struct trace *trace, enum rig_area area, uint32_t offset,
                      const uint8_t *bytes, uint32_t length)
{
    struct trace_op op = {.kind = TRACE_WRITE, .area = area, .offset = offset, .length = length};
    memcpy(op.bytes, bytes, length);
    *add(trace) = op;
}

void trace_flag(struct trace *trace, enum rig_area area, uint32_t offset, uint8_t value)
{
    const uint8_t bytes[UNIT] = {value, 0xff, 0xff, 0xff};
    add_write(trace, area, offset, bytes, UNIT);
}

void trace_number(struct trace *trace, enum rig_area area, uint32_t offset, uint32_t value)
{
    uint8_t bytes[4];
    put_le32(bytes, value);
    add_write(trace, area, offset, bytes, sizeof bytes);
}

void trace_magic(struct trace *trace, enum rig_area area, uint32_t offset)
{
    uint8_t magic[TRAILER_MAGIC_SIZE];
    trailer_magic_bytes(8, magic);
    add_write(trace, area, offset, magic, sizeof magic);
}

void trace_copy(struct trace *trace, enum rig_area from, uint32_t from_offset, enum rig_area to,
                uint32_t to_offset, uint32_t length)
{
    for (uint32_t at = 0; at < length; at += COPY_SIZE) {
        const uint32_t size = length - at < COPY_SIZE ? length - at : COPY_SIZE;
        *add(trace) = (struct trace_op){.kind = TRACE_COPY,
                                        .area = to,
                                        .offset = to_offset + at,
                                        .length = size,
                                        .from = from,
                                        .from_offset = from_offset + at};
    }
}

static void apply(struct rig *rig, const struct trace_op *op)
{
    uint8_t copy[COPY_SIZE];
    const struct flash_area *area = &rig->area[0][op->area];
    otter_status status = OTTER_OK;
    switch (op->kind) {
    case TRACE_ERASE:
        status = flash_erase(area, op->offset, flash_sector_at(area, op->offset).size);
        break;
    case TRACE_WRITE:
        status = flash_program(area, op->offset, op->bytes, op->length);
        break;
    default:
        status = flash_read(&rig->area[0][op->from], op->from_offset, copy, op->length);
        if (status == OTTER_OK)
            status = flash_program(area, op->offset, copy, op->length);
    }
    rig_check(rig, status == OTTER_OK, "the trace breaks a flash rule");
}

void trace_apply(struct rig *rig, const struct trace *trace, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        apply(rig, &trace->ops[i]);
}

static void restore_and_apply(struct rig *rig, const struct rig_snapshot *start,
                              const struct trace *trace, unsigned count)
{
    rig_restore(rig, start);
    trace_apply(rig, trace, count);
}

void trace_finish_each(struct rig *rig, const struct trace *trace, unsigned last,
                       void (*check)(struct rig *rig, bool ends))
{
    struct rig_snapshot start = {0};
    rig_save(rig, &start);
    for (unsigned count = 0; count < last; count++) {
        restore_and_apply(rig, &start, trace, count);
        snprintf(rig->note, sizeof rig->note, "after %u operations of MCUboot", count);
        rig_boot(rig);
        check(rig, false);
        const uint32_t operations = rig->power.operations;
        for (uint32_t at = 1 + count % 5; at < operations; at += 5) {
            restore_and_apply(rig, &start, trace, count);
            snprintf(rig->note, sizeof rig->note,
                     "after %u operations of MCUboot and a cut at %u of Otter", count, at);
            rig_boot_cut(rig, at, (enum nor_cut)((at + count) % NOR_CUT_KINDS));
            rig_boot(rig);
            check(rig, false);
        }
    }
    rig->note[0] = '\0';
    rig_restore(rig, &start);
    rig_snapshot_free(&start);
}

/* --- comparison: sorted lists of what happened ------------------------------------------------ */

struct change {
    uint32_t address; /* in the device */
    bool is_erase;
    uint8_t unit[UNIT]; /* of a write */
};

struct changes {
    struct change list[TRACE_MAX * 4];
    unsigned count;
};

static int compare_changes(const void *left, const void *right)
{
    const struct change *a = left;
    const struct change *b = right;
    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    if (a->is_erase != b->is_erase)
        return a->is_erase ? -1 : 1;
    return memcmp(a->unit, b->unit, UNIT);
}

/* Units that stay erased say nothing; long writes are payload. */
static void note_write(struct changes *changes, uint32_t address, const uint8_t *bytes,
                       uint32_t length)
{
    static const uint8_t erased[UNIT] = {0xff, 0xff, 0xff, 0xff};
    for (uint32_t i = 0; i < length && length <= TRAILER_MAGIC_SIZE; i += UNIT) {
        struct change change = {.address = address + i};
        memcpy(change.unit, bytes + i, UNIT);
        if (memcmp(change.unit, erased, UNIT) != 0)
            changes->list[changes->count++] = change;
    }
}

static void note_erase(struct changes *changes, uint32_t address)
{
    changes->list[changes->count++] = (struct change){.address = address, .is_erase = true};
}

static void changes_of_trace(struct rig *rig, const struct trace *trace, struct changes *changes)
{
    changes->count = 0;
    for (unsigned i = 0; i < trace->count; i++) {
        const struct trace_op *op = &trace->ops[i];
        const uint32_t address = rig->area[0][op->area].offset + op->offset;
        if (op->kind == TRACE_ERASE)
            note_erase(changes, address);
        if (op->kind == TRACE_WRITE)
            note_write(changes, address, op->bytes, op->length);
    }
}

static void changes_of_boot(const struct rig *rig, struct changes *changes)
{
    changes->count = 0;
    for (uint32_t i = 0; i < rig->logged; i++) {
        const struct rig_op *op = &rig->log[i];
        if (op->is_erase)
            note_erase(changes, op->offset);
        else
            note_write(changes, op->offset, op->bytes, op->length);
    }
}

void trace_compare_with_boot(struct rig *rig, const struct trace *trace)
{
    static struct changes theirs;
    static struct changes ours;
    changes_of_trace(rig, trace, &theirs);
    rig_boot(rig);
    changes_of_boot(rig, &ours);
    qsort(theirs.list, theirs.count, sizeof theirs.list[0], compare_changes);
    qsort(ours.list, ours.count, sizeof ours.list[0], compare_changes);
    for (unsigned i = 0; i < theirs.count && i < ours.count; i++) {
        snprintf(rig->note, sizeof rig->note, "MCUboot %s %02x at %x, Otter %s %02x at %x",
                 theirs.list[i].is_erase ? "erases" : "writes", theirs.list[i].unit[0],
                 theirs.list[i].address, ours.list[i].is_erase ? "erases" : "writes",
                 ours.list[i].unit[0], ours.list[i].address);
        rig_check(rig, compare_changes(&theirs.list[i], &ours.list[i]) == 0,
                  "Otter's trailers are not MCUboot's");
    }
    rig->note[0] = '\0';
    rig_check(rig, theirs.count == ours.count, "Otter's trailers have more or less in them");
}
