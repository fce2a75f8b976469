/* A whole flash file of a board: both slots, what the next boot will do, the store. */
#include "tool/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/kv.h"
#include "tool/board_map.h"
#include "tool/next_boot.h"

struct flash_report {
    struct board_map board;
    uint8_t *data; /* of the file */
    struct ram_flash in_scratch, in_progress, in_store;
    struct inspection primary;
    struct inspection secondary;
    struct inspection secure_primary; /* of the secure program: two worlds */
    struct inspection secure_secondary;
    struct trailer scratch;
    bool progress_erased;
    otter_status store_status;
    struct kv store;
    struct flash_area store_area;
    struct kv_usage usage;
};

static struct flash_area area_of(const struct flash_report *report, struct board_area area,
                                 struct ram_flash *ram)
{
    const struct board_device *device = &report->board.devices[area.device];
    ram_flash_init(ram, report->data + area.start, area.size,
                   board_map_sector_at(device, area.offset).size, device->write_size, 0xff);
    return ram_flash_area(ram, 0, area.size);
}

static void inspect_slot(const struct flash_report *report, struct board_area slot,
                         const struct inspect_request *request, struct inspection *inspection)
{
    *inspection = (struct inspection){
        .data = report->data + slot.start,
        .size = slot.size,
        .slot_size = slot.size,
        .max_align = report->board.max_align,
        .key = request->key,
        .decrypt_key = request->decrypt_key,
    };
    inspection_run(inspection);
}

/* In swap by offset a new image lies from the slot's second sector on, an old one from the first.
 */
static struct board_area secondary_image(const struct flash_report *report)
{
    static const uint8_t magic[] = {0x3d, 0xb8, 0xf3, 0x96};
    const struct board_map *board = &report->board;
    const bool at_start = memcmp(report->data + board->secondary.start, magic, sizeof magic) == 0;
    return at_start ? board->secondary : board->candidate;
}

/* Opening the store may finish what a power cut left half done; here it does so in memory only. */
static void inspect_store(struct flash_report *report)
{
    report->store_area = area_of(report, report->board.store, &report->in_store);
    report->store_status = kv_open(&report->store, &report->store_area);
    if (report->store_status == OTTER_OK)
        report->store_status = kv_usage(&report->store, &report->usage);
}

static void inspect_all(const struct inspect_request *request, struct bytes *content,
                        struct flash_report *report)
{
    const struct board_map *board = &report->board;
    struct flash_area scratch, progress;

    report->data = content->data;
    inspect_slot(report, board->primary, request, &report->primary);
    inspect_slot(report, secondary_image(report), request, &report->secondary);
    if (board_map_has_two_worlds(board)) {
        inspect_slot(report, board->secure_primary, request, &report->secure_primary);
        inspect_slot(report, board->secure_secondary, request, &report->secure_secondary);
    }
    report->scratch =
        (struct trailer){TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET, SWAP_NONE, 0, 0};
    if (board->scratch.size > 0) {
        scratch = area_of(report, board->scratch, &report->in_scratch);
        trailer_read(&scratch, board->max_align, &report->scratch);
    }
    progress = area_of(report, board->progress, &report->in_progress);
    report->progress_erased = flash_is_erased(&progress, 0, progress.size) == 1;
    inspect_store(report);
}

static struct slot_state state_of(const struct inspection *slot)
{
    struct slot_state state = {.trailer = slot->trailer, .has_image = slot->has_image};
    if (slot->has_image)
        state.version = slot->view.image.header.version;
    return state;
}

static struct next_boot next_boot_from(const struct flash_report *report,
                                       const struct inspection *first,
                                       const struct inspection *second)
{
    const struct slot_state primary = state_of(first);
    const struct slot_state secondary = state_of(second);
    return next_boot_of(report->board.update, &primary, &secondary, &report->scratch);
}

static struct next_boot next_boot(const struct flash_report *report)
{
    return next_boot_from(report, &report->primary, &report->secondary);
}

static struct next_boot secure_next_boot(const struct flash_report *report)
{
    return next_boot_from(report, &report->secure_primary, &report->secure_secondary);
}

/* --- table ----------------------------------------------------------------------------------- */

static void print_area(const char *name, struct board_area area)
{
    printf("%s (0x%06" PRIx32 "-0x%06" PRIx32 ")\n", name, area.start, area.start + area.size - 1);
}

static int print_key(void *ctx, const char *key, uint32_t length)
{
    (void)ctx;
    printf("  %-32s%" PRIu32 " bytes\n", key, length);
    return 0;
}

static void print_store(struct flash_report *report)
{
    print_area("\nStore", report->board.store);
    if (report->store_status != OTTER_OK) {
        printf("  cannot be read: %s\n", otter_status_text(report->store_status));
        return;
    }
    printf("  %" PRIu32 " keys, %" PRIu32 " of %" PRIu32 " bytes used\n", report->usage.keys,
           report->usage.live_bytes, report->usage.capacity_bytes);
    kv_each(&report->store, print_key, NULL);
}

static void print_slot(const char *name, struct board_area slot, struct inspection *inspection)
{
    print_area(name, slot);
    inspection_print(inspection, "  ");
    if (trailer_on_trial(&inspection->trailer))
        printf("  On trial: it runs, but has not confirmed itself\n");
}

static void print_report(struct flash_report *report)
{
    const struct board_map *board = &report->board;

    print_slot("Primary slot", board->primary, &report->primary);
    print_area("\nSecondary slot", board->secondary);
    inspection_print(&report->secondary, "  ");
    if (board_map_has_two_worlds(board)) {
        print_slot("\nPrimary slot of the secure program", board->secure_primary,
                   &report->secure_primary);
        print_area("\nSecondary slot of the secure program", board->secure_secondary);
        inspection_print(&report->secure_secondary, "  ");
    }
    if (board->scratch.size > 0) {
        print_area("\nScratch", board->scratch);
        trailer_print(&report->scratch, "  ");
    }
    print_area("\nDownload progress", board->progress);
    printf("  %s\n", report->progress_erased ? "erased: no download under way" : "in use");
    print_store(report);
    const struct next_boot next = next_boot(report);
    printf("\nUpdate mode    %s\n", board_map_update_name(board->update));
    printf("Next boot      %s%s\n",
           next.goes_on ? "goes on with the swap that was interrupted" : swap_type_name(next.type),
           board->update != UPDATE_DIRECT_XIP ? ""
           : next.from_secondary              ? ", starts from the secondary slot"
                                              : ", starts from the primary slot");
    if (!board_map_has_two_worlds(board))
        return;
    const struct next_boot secure = secure_next_boot(report);
    printf("Secure program %s\n", secure.goes_on ? "goes on with the swap that was interrupted"
                                                 : swap_type_name(secure.type));
}

/* --- JSON ------------------------------------------------------------------------------------ */

static int add_key(void *ctx, const char *key, uint32_t length)
{
    json_object_set_new(ctx, key, json_integer(length));
    return 0;
}

static json_t *store_json(struct flash_report *report)
{
    json_t *keys = json_object();

    if (report->store_status != OTTER_OK) {
        json_decref(keys);
        return json_pack("{s:s}", "problem", otter_status_text(report->store_status));
    }
    kv_each(&report->store, add_key, keys);
    return json_pack("{s:I, s:I, s:o}", "live_bytes", (json_int_t)report->usage.live_bytes,
                     "capacity_bytes", (json_int_t)report->usage.capacity_bytes, "keys", keys);
}

static void add_secure(struct flash_report *report, json_t *json)
{
    const struct next_boot next = secure_next_boot(report);
    json_object_set_new(json, "secure",
                        json_pack("{s:o, s:o, s:b, s:s}", "primary",
                                  inspection_json(&report->secure_primary), "secondary",
                                  inspection_json(&report->secure_secondary), "swap_interrupted",
                                  next.goes_on, "next_boot", swap_type_word(next.type)));
}

static json_t *report_json(struct flash_report *report)
{
    const struct next_boot next = next_boot(report);
    json_t *json = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:b, s:o, s:b, s:s, s:s}", "board", report->board.name, "update",
        board_map_update_name(report->board.update), "primary", inspection_json(&report->primary),
        "secondary", inspection_json(&report->secondary), "scratch",
        trailer_json(&report->scratch, report->board.max_align), "progress_erased",
        report->progress_erased, "store", store_json(report), "swap_interrupted", next.goes_on,
        "next_boot", swap_type_word(next.type), "starts_from",
        next.from_secondary ? "secondary" : "primary");
    if (json != NULL && board_map_has_two_worlds(&report->board))
        add_secure(report, json);
    return json;
}

otter_status inspect_flash(const struct inspect_request *request, struct bytes *content,
                           struct failure *failure)
{
    struct flash_report report = {0};
    otter_status status = board_map_read(request->board, &report.board, failure);

    if (status == OTTER_OK && content->size != report.board.flash_size)
        status = failed(failure, OTTER_E_MALFORMED,
                        "'%s' has 0x%zx bytes, but the flash of %s has 0x%" PRIx32
                        "; is this its flash file? (for an image, leave --board out)",
                        request->file, content->size, report.board.name, report.board.flash_size);
    if (status != OTTER_OK)
        return status;
    inspect_all(request, content, &report);
    if (request->json)
        json_print(report_json(&report));
    else
        print_report(&report);
    inspection_free(&report.primary);
    inspection_free(&report.secondary);
    if (board_map_has_two_worlds(&report.board)) {
        inspection_free(&report.secure_primary);
        inspection_free(&report.secure_secondary);
    }
    return OTTER_OK;
}
