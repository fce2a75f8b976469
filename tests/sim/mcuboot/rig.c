/* Lays out the simulated boards and starts the bootloader on them. */
#include "tests/sim/mcuboot/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/bytes.h"
#include "port/port.h"

const struct rig_variant rig_plain = {4, 8, 0xff};

static uint8_t images[VERSIONS][RIG_SLOT_MAX];
static uint32_t ends[VERSIONS];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

/* --- devices ---------------------------------------------------------------------------------- */

static struct nor_device *device_of(const struct rig_port *port)
{
    return &port->rig->device[port->device];
}

static otter_status port_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    struct nor_device *device = device_of(ctx);
    return device->flash.ops->read(device, offset, data, length);
}

static void log_op(const struct rig_port *port, struct rig_op op)
{
    struct rig *rig = port->rig;
    op.device = port->device;
    if (rig->logged < RIG_LOG_MAX)
        rig->log[rig->logged++] = op;
}

static bool write_fails(const struct rig_port *port, uint32_t offset, uint32_t length)
{
    struct rig *rig = port->rig;
    if (port->device != rig->layout->place[0][PRIMARY].device || offset >= rig->bad_end ||
        offset + length <= rig->bad_start)
        return false;
    rig->power.noise = rig->power.noise * 1664525u + 1013904223u;
    return (rig->power.noise >> 16) % 100 < rig->bad_percent;
}

static otter_status port_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    struct rig_port *port = ctx;
    struct rig_op op = {.offset = offset, .length = length};
    memcpy(op.bytes, data, length < sizeof op.bytes ? length : sizeof op.bytes);
    log_op(port, op);
    if (write_fails(port, offset, length))
        return OTTER_E_FLASH;
    struct nor_device *device = device_of(port);
    return device->flash.ops->program(device, offset, data, length);
}

static otter_status port_erase(void *ctx, uint32_t offset)
{
    struct rig_port *port = ctx;
    log_op(port, (struct rig_op){.is_erase = true, .offset = offset});
    struct nor_device *device = device_of(port);
    return device->flash.ops->erase(device, offset);
}

static struct flash_sector port_sector_at(void *ctx, uint32_t offset)
{
    struct nor_device *device = device_of(ctx);
    return device->flash.ops->sector_at(device, offset);
}

static const struct flash_ops port_ops = {port_read, port_program, port_erase, port_sector_at};

static uint32_t expand_runs(const struct rig_run *runs, struct flash_sector *sectors)
{
    uint32_t count = 0;
    uint32_t offset = 0;
    for (; runs->count > 0; runs++) {
        for (unsigned i = 0; i < runs->count; i++) {
            sectors[count++] = (struct flash_sector){offset, runs->size};
            offset += runs->size;
        }
    }
    return count;
}

static void create_device(struct rig *rig, uint8_t which)
{
    const uint32_t count = expand_runs(rig->layout->runs[which], rig->sectors[which]);
    if (count == 0)
        return;
    nor_create(&rig->device[which], &rig->power, rig->sectors[which], count,
               rig->variant.write_size, rig->variant.erased_value);
    rig->port[which] = (struct rig_port){rig, which};
    rig->flash[which] = rig->device[which].flash;
    rig->flash[which].ops = &port_ops;
    rig->flash[which].ctx = &rig->port[which];
}

static bool has_device(const struct rig *rig, unsigned which)
{
    return rig->device[which].data != NULL;
}

/* --- the board -------------------------------------------------------------------------------- */

static void exchange_banks(void *context)
{
    struct rig *rig = context;
    const struct nor_device first = rig->device[0];
    rig->device[0] = rig->device[1];
    rig->device[1] = first;
    for (unsigned i = 0; i < RIG_DEVICES; i++)
        rig->device[i].flash.ctx = &rig->device[i];
}

static otter_status swap_banks(void *ctx)
{
    struct rig *rig = ctx;
    nor_power_act(&rig->power, exchange_banks, rig);
    return OTTER_OK;
}

static void raise_counter(void *ctx, uint8_t image, uint32_t counter)
{
    struct rig *rig = ctx;
    rig->raised[image] = counter;
    rig->slots[image].security_counter = counter;
}

static void place_areas(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_IMAGES; i++) {
        for (unsigned area = 0; area < RIG_AREAS; area++) {
            const struct rig_place *place = &rig->layout->place[i][area];
            rig->area[i][area] =
                (struct flash_area){&rig->flash[place->device], place->offset, place->size};
        }
        rig->slots[i] = (struct boot_slots){.primary = &rig->area[i][PRIMARY],
                                            .secondary = &rig->area[i][SECONDARY]};
    }
}

void rig_create(struct rig *rig, const struct rig_layout *layout, const struct rig_variant *variant)
{
    memset(rig, 0, sizeof *rig);
    rig->layout = layout;
    rig->variant = *variant;
    nor_power_init(&rig->power, 1);
    for (uint8_t i = 0; i < RIG_DEVICES; i++)
        create_device(rig, i);
    place_areas(rig);
    rig->config = (struct boot_config){
        .images = rig->slots,
        .image_count = rig->area[1][PRIMARY].size != 0 ? 2 : 1,
        .scratch = rig->area[0][SCRATCH].size != 0 ? &rig->area[0][SCRATCH] : NULL,
        .max_sectors = layout->max_sectors,
        .max_align = variant->max_align,
        .policy = sim_policy,
        .rescue = true,
        .hooks = {.swap_banks = swap_banks, .raise_counter = raise_counter, .ctx = rig},
    };
}

void rig_destroy(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_DEVICES; i++)
        nor_destroy(&rig->device[i]);
}

void rig_wipe(struct rig *rig)
{
    for (unsigned i = 0; i < RIG_DEVICES; i++) {
        if (has_device(rig, i))
            nor_wipe(&rig->device[i]);
    }
}

void rig_check(const struct rig *rig, bool good, const char *what)
{
    if (!good)
        fail_msg("%s\n  mode %s, layout %s, write unit %u, max-align %u, erased %02x, images %u -> "
                 "%u%s%s",
                 what, boot_mode_name, rig->layout->name, rig->variant.write_size,
                 rig->variant.max_align, rig->variant.erased_value, ends[OLD], ends[NEW],
                 rig->note[0] != '\0' ? ", " : "", rig->note);
}

bool rig_is_mode(const char *name)
{
    return strcmp(boot_mode_name, name) == 0;
}

bool rig_reverts(void)
{
    return !rig_is_mode("overwrite");
}

bool rig_is_full(void)
{
    return getenv("OTTER_SIM_FULL") != NULL;
}

static bool layout_suits(const struct rig_layout *layout)
{
    char wanted[32];
    snprintf(wanted, sizeof wanted, "%s,", boot_mode_name);
    return strstr(layout->modes, wanted) != NULL;
}

/* Erasing and copying sectors this large takes most of the time. */
static bool is_coarse(const struct rig_layout *layout)
{
    const struct rig_run *runs = layout->runs[0];
    while (runs->count > 0 && runs->size < 0x8000)
        runs++;
    return runs->count > 0;
}

/* What of the variants a test does when not all: each unit with one of the erased values, on coarse
 * flash a third of the units. Which ones differs from call to call. */
static bool is_in_share(const struct rig_layout *layout, unsigned unit, unsigned erased,
                        unsigned call)
{
    if (rig_is_full())
        return true;
    return (unit + erased + call) % 2 == 0 &&
           (!is_coarse(layout) || rig_is_mode("bank swap") || (unit + call) % 3 == 0);
}

void rig_for_each(void (*body)(struct rig *rig, unsigned turn))
{
    static const uint8_t units[][2] = {{4, 8}, {1, 8}, {8, 8}, {16, 16}, {2, 8}, {32, 32}};
    static struct rig rig;
    static unsigned call;
    unsigned turn = 0;
    call++;
    for (const struct rig_layout *layout = rig_layouts; layout->name != NULL; layout++) {
        for (unsigned i = 0; i < 2 * sizeof units / sizeof units[0] && layout_suits(layout); i++) {
            const struct rig_variant variant = {units[i / 2][0], units[i / 2][1],
                                                i % 2 == 0 ? 0xff : 0x00};
            if (!is_in_share(layout, i / 2, i % 2, call))
                continue;
            rig_create(&rig, layout, &variant);
            body(&rig, turn++);
            rig_destroy(&rig);
        }
    }
}

/* --- images ----------------------------------------------------------------------------------- */

void rig_make(enum version version, uint32_t end)
{
    ends[version] = end;
    sim_image_make(images[version], end, (uint8_t)version, SIM_KEY);
}

uint32_t rig_end(enum version version)
{
    return ends[version];
}

uint8_t *rig_bytes(enum version version)
{
    return images[version];
}

uint32_t rig_sector(const struct rig *rig)
{
    return flash_sector_at(&rig->area[0][PRIMARY], 0).size;
}

/* Whether an image of this size would be started. */
static bool is_accepted(struct rig *rig, uint32_t end)
{
    rig_wipe(rig);
    rig_make(OLDER, end);
    rig_flash(rig, PRIMARY, OLDER);
    rig_try_boot(rig);
    return rig->status == OTTER_OK;
}

static uint32_t find_limit(struct rig *rig)
{
    uint32_t low = SIM_IMAGE_MIN;
    uint32_t high = rig->area[0][PRIMARY].size;
    while (low < high) {
        const uint32_t middle = (low + high + 1) / 2;
        if (is_accepted(rig, middle))
            low = middle;
        else
            high = middle - 1;
    }
    rig_wipe(rig);
    return low;
}

uint32_t rig_limit(struct rig *rig)
{
    static struct {
        const struct rig_layout *layout;
        uint32_t limit;
        uint8_t write_size;
    } known[128];
    unsigned i = 0;
    while (known[i].layout != NULL &&
           (known[i].layout != rig->layout || known[i].write_size != rig->variant.write_size))
        i++;
    if (known[i].layout == NULL) {
        known[i].limit = find_limit(rig);
        known[i].layout = rig->layout;
        known[i].write_size = rig->variant.write_size;
    }
    return known[i].limit;
}

void rig_make_pair(struct rig *rig, unsigned turn)
{
    const uint32_t sector = rig_sector(rig);
    const uint32_t sizes[] = {SIM_IMAGE_MIN + 16 + 3 * turn, sector - 1, sector, sector + 1,
                              2 * sector + 100};
    uint32_t old = sizes[turn % 5];
    uint32_t new = sizes[turn / 5 % 5];
    const uint32_t limit = turn % 12 == 5 || old > 0x10000 || new > 0x10000 ? rig_limit(rig) : 0;
    if (turn % 12 == 5)
        old = new = limit;
    rig_make(OLD, limit != 0 && old > limit ? limit : old);
    rig_make(NEW, limit != 0 && new > limit ? limit : new);
    rig_make(NEXT, ends[OLD]);
}
