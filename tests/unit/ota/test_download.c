/* The window of blocks in flight, and how blocks come to flash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "services/ota/download.h"
#include "services/ota/source_stream.h"
#include "tests/sim/nor_fault.h"
#include "tests/sim/nor_sim.h"

#define SLOT  0x20000u
#define BLOCK 1024u

static uint8_t key[OTA_PROGRESS_KEY_SIZE] = "a download test";

static struct nor_power power;
static struct nor_device device;
static struct flash_sector sectors[(SLOT + 16384u) / 512u];
static struct flash_area slot;
static struct flash_area journal;
static struct ota_progress progress;
static struct ota_download download;
static struct ota_file file;
static uint8_t image[SLOT];

static void fresh_journal(void)
{
    ota_progress_begin(&progress, &journal, &slot, &file, key);
    key[15]++; /* no key is used twice */
    memcpy(progress.key, key, sizeof key);
    while (ota_progress_begin_step(&progress) == OTTER_E_AGAIN)
        ;
}

/* A slot of `sector` bytes a sector with a journal behind it, and a file of `size` bytes. */
static void begin(uint32_t sector, uint32_t size, uint8_t window)
{
    const uint32_t journal_size = sector > 4096 ? sector : 4096;
    const uint32_t count = (SLOT + journal_size) / sector;
    nor_power_init(&power, 1);
    nor_uniform_sectors(sectors, count, sector);
    nor_create(&device, &power, sectors, count, 4, 0xff);
    slot = (struct flash_area){&device.flash, 0, SLOT};
    journal = (struct flash_area){&device.flash, SLOT, journal_size};
    file = (struct ota_file){.size = size, .block_size = BLOCK, .id = 5};
    for (uint32_t i = 0; i < size; i++)
        image[i] = (uint8_t)(i * 7 + i / 256);
    fresh_journal();
    ota_download_init(&download, &progress, window, OTA_REQUEST_MAX);
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(device.rule_breaks, 0);
    nor_destroy(&device);
    return 0;
}

static void make_ready(void)
{
    otter_status status;
    do
        status = ota_download_prepare(&download);
    while (status == OTTER_E_AGAIN);
    assert_int_equal(status, OTTER_OK);
}

struct request {
    uint16_t blocks[OTA_WINDOW_MAX];
    uint32_t first;
    uint32_t count;
};

static bool next_request(struct request *request)
{
    request->count = ota_download_due(&download, request->blocks);
    if (request->count == 0)
        return false;
    request->first = request->blocks[0];
    ota_download_requested(&download, request->blocks, request->count);
    return true;
}

static bool asks_for(const struct request *request, uint32_t block)
{
    for (uint32_t i = 0; i < request->count; i++) {
        if (request->blocks[i] == block)
            return true;
    }
    return false;
}

static otter_status deliver(uint32_t number)
{
    const struct ota_block block = {number, ota_file_block_length(&file, number),
                                    image + number * BLOCK};
    return ota_download_store(&download, &block);
}

static void assert_flash_is_file(void)
{
    uint8_t piece[BLOCK];
    for (uint32_t at = 0; at < file.size; at += BLOCK) {
        const uint32_t part = ota_file_block_length(&file, at / BLOCK);
        assert_int_equal(flash_read(&slot, at, piece, part), OTTER_OK);
        assert_memory_equal(piece, image + at, part);
    }
}

static void a_request_names_only_what_is_missing_and_not_in_flight(void **state)
{
    (void)state;
    struct request request;
    begin(4096, 40 * BLOCK, 8);
    make_ready();
    assert_true(next_request(&request));
    assert_int_equal(request.first, 0);
    assert_int_equal(request.count, 8);
    for (uint32_t block = 0; block < 8; block += 2)
        assert_int_equal(deliver(block), OTTER_OK);
    make_ready();
    assert_true(next_request(&request));
    assert_int_equal(request.count, 4);
    for (uint32_t block = 0; block < 40; block++)
        assert_int_equal(asks_for(&request, block), block >= 8 && block < 12);
}

static void the_next_request_goes_out_when_half_of_the_window_has_arrived(void **state)
{
    (void)state;
    struct request request;
    begin(4096, 40 * BLOCK, 8);
    make_ready();
    assert_true(next_request(&request));
    for (uint32_t block = 0; block < 3; block++) {
        assert_int_equal(deliver(block), OTTER_OK);
        make_ready();
        assert_false(next_request(&request));
    }
    assert_int_equal(deliver(3), OTTER_OK);
    make_ready();
    assert_true(next_request(&request));
}

static void one_request_never_asks_for_more_than_the_service_sends(void **state)
{
    (void)state;
    begin(4096, 4 * BLOCK, 0);
    assert_int_equal(download.window, 32);
    progress.file = (struct ota_file){.size = 4u << 20, .block_size = 16384};
    ota_download_init(&download, &progress, 32, OTA_REQUEST_MAX);
    assert_int_equal(download.window, 8);
    progress.file.block_size = 131072;
    ota_download_init(&download, &progress, 32, OTA_REQUEST_MAX);
    assert_int_equal(download.window, 1);
}

static void blocks_may_come_in_any_order_and_more_than_once(void **state)
{
    (void)state;
    struct request request;
    begin(4096, 40 * BLOCK - 100, 32);
    for (uint32_t round = 0; !ota_download_complete(&download); round++) {
        assert_in_range(round, 0, 10);
        make_ready();
        assert_true(next_request(&request));
        for (uint32_t i = 40; i-- > 0;) {
            if (!asks_for(&request, i))
                continue;
            assert_int_equal(deliver(i), OTTER_OK);
            assert_int_equal(deliver(i), OTTER_E_STATE);
        }
    }
    assert_flash_is_file();
}

static void a_block_whose_flash_is_not_ready_is_refused(void **state)
{
    (void)state;
    begin(4096, 40 * BLOCK, 8);
    assert_int_equal(deliver(0), OTTER_E_STATE);
    assert_int_equal(progress.stored, 0);
}

static void what_is_two_requests_old_is_asked_for_again(void **state)
{
    (void)state;
    struct request request;
    begin(4096, 60 * BLOCK, 8);
    make_ready();
    assert_true(next_request(&request)); /* 0..7, of which 0 gets lost */
    for (uint32_t block = 1; block < 8; block++)
        assert_int_equal(deliver(block), OTTER_OK);
    make_ready();
    assert_true(next_request(&request));
    assert_false(asks_for(&request, 0));
    for (uint32_t block = request.first; block < request.first + request.count; block++)
        assert_int_equal(deliver(block), OTTER_OK);
    make_ready();
    assert_true(next_request(&request));
    assert_false(asks_for(&request, 0));
    const uint8_t window = download.window;
    assert_int_equal(deliver(request.first), OTTER_OK); /* of the third request */
    assert_true(download.window < window);
    while (download.in_flight > download.window / 2)
        assert_int_equal(deliver(download.flight[0].block), OTTER_OK);
    make_ready();
    assert_true(next_request(&request));
    assert_true(asks_for(&request, 0));
}

static void silence_halves_the_window_and_arrivals_let_it_grow(void **state)
{
    (void)state;
    struct request request;
    begin(4096, 100 * BLOCK, 16);
    make_ready();
    assert_true(next_request(&request));
    ota_download_lost(&download, true);
    assert_int_equal(download.window, 8);
    assert_int_equal(download.in_flight, 0);
    for (int i = 0; i < 5; i++)
        ota_download_lost(&download, true);
    assert_int_equal(download.window, 1);
    while (!ota_download_complete(&download)) {
        make_ready();
        assert_true(next_request(&request));
        while (download.in_flight > 0)
            assert_int_equal(deliver(download.flight[0].block), OTTER_OK);
    }
    assert_int_equal(download.window, 16);
    assert_flash_is_file();
}

static void a_lost_connection_does_not_shrink_the_window(void **state)
{
    (void)state;
    struct request request;
    begin(4096, 40 * BLOCK, 8);
    make_ready();
    assert_true(next_request(&request));
    ota_download_lost(&download, false);
    assert_int_equal(download.window, 8);
    assert_true(next_request(&request));
    assert_int_equal(request.first, 0);
}

static void a_step_erases_at_most_one_sector(void **state)
{
    (void)state;
    begin(512, 40 * BLOCK, 8); /* two sectors a block */
    for (;;) {
        const uint32_t before = device.erase_count;
        const otter_status status = ota_download_prepare(&download);
        assert_in_range(device.erase_count - before, 0, 1);
        if (status == OTTER_OK)
            break;
        assert_int_equal(status, OTTER_E_AGAIN);
    }
    assert_int_equal(deliver(0), OTTER_OK);
}

static void each_sector_is_erased_once(void **state)
{
    (void)state;
    struct request request;
    static const uint32_t sizes[] = {512, 1024, 4096, 16384};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        begin(sizes[i], 64 * BLOCK, 8);
        const uint32_t before = device.erase_count;
        while (!ota_download_complete(&download)) {
            make_ready();
            assert_true(next_request(&request));
            while (download.in_flight > 0)
                assert_int_equal(deliver(download.flight[0].block), OTTER_OK);
        }
        assert_flash_is_file();
        assert_int_equal(device.erase_count - before, 64 * BLOCK / sizes[i]);
        assert_int_equal(device.rule_breaks, 0);
        nor_destroy(&device);
    }
    begin(4096, BLOCK, 8);
}

static bool resume(void)
{
    const otter_status status = ota_progress_open(&progress, &journal, &slot, &file, key);
    assert_true(status == OTTER_OK || status == OTTER_E_CORRUPT);
    if (status != OTTER_OK)
        fresh_journal();
    ota_download_init(&download, &progress, 8, OTA_REQUEST_MAX);
    return status == OTTER_OK;
}

static void fetch_all(void *context)
{
    struct request request;
    (void)context;
    while (!ota_download_complete(&download)) {
        make_ready();
        (void)next_request(&request);
        assert_true(download.in_flight > 0);
        while (download.in_flight > 0) {
            const otter_status status = deliver(download.flight[0].block);
            assert_true(status == OTTER_OK || status == OTTER_E_AGAIN);
        }
    }
}

/* Cut at every flash operation of a download, in every way; the rest is fetched after the reset,
 * with another cut in that and a third after it; the file on flash must be right at the end. */
static void cut_everywhere(uint32_t sector, uint32_t size)
{
    unsigned given_up = 0;
    for (enum nor_cut cut = 0; cut < NOR_CUT_KINDS; cut++) {
        for (uint32_t at = 1;; at++) {
            begin(sector, size, 8);
            power.seed = at * 31 + (uint32_t)cut;
            nor_power_plan(&power, at, cut);
            if (nor_power_run(&power, fetch_all, NULL) == NOR_RUN_DONE) {
                nor_destroy(&device);
                break;
            }
            const uint32_t finished = progress.stored;
            nor_power_plan(&power, 0, NOR_CUT_BEFORE);
            assert_true(resume() && progress.stored >= finished);
            for (uint32_t more = 0; more < 3; more++) {
                nor_power_plan(&power, more == 2 ? 0 : (at + more) % 9 + 1,
                               (enum nor_cut)((cut + at + more) % NOR_CUT_KINDS));
                if (nor_power_run(&power, fetch_all, NULL) == NOR_RUN_DONE)
                    break;
                nor_power_plan(&power, 0, NOR_CUT_BEFORE);
                given_up += !resume();
            }
            nor_power_plan(&power, 0, NOR_CUT_BEFORE);
            assert_flash_is_file();
            assert_true(ota_download_complete(&download));
            assert_int_equal(device.rule_breaks, 0);
            nor_destroy(&device);
        }
    }
    assert_in_range(given_up, 0, 5); /* of a few hundred: only by entries that flicker */
}

static void a_cut_at_any_flash_operation_ends_in_the_right_file(void **state)
{
    (void)state;
    cut_everywhere(1024, 10 * BLOCK + 77);
    cut_everywhere(512, 6 * BLOCK + 3);
    cut_everywhere(4096, 14 * BLOCK + 1);
    cut_everywhere(16384, 24 * BLOCK);
    begin(4096, BLOCK, 8);
}

static void flash_that_keeps_refusing_is_reported(void **state)
{
    (void)state;
    struct request request;
    begin(1024, 40 * BLOCK, 8);
    make_ready();
    assert_true(next_request(&request));
    device.fail_reads = true;
    otter_status status = OTTER_E_AGAIN;
    for (int i = 0; i < 20 && status == OTTER_E_AGAIN; i++)
        status = deliver((uint32_t)i % 8);
    assert_true(status == OTTER_E_FLASH || status == OTTER_E_STATE);
    assert_int_equal(progress.stored, 0);
}

/* Its sector is erased for it each time, and what else was in there comes again. */
static void a_block_that_flash_never_takes_ends_the_download(void **state)
{
    struct nor_fault fault = {
        .kind = NOR_FAULT_NO_PROGRAM, .start = 5 * BLOCK, .end = 5 * BLOCK + 4};
    (void)state;
    struct request request;
    otter_status status = OTTER_OK;
    unsigned rounds = 0;
    begin(4096, 16 * BLOCK, 8);
    nor_fault_install(&device, &fault);
    for (; status != OTTER_E_FLASH && rounds < 100; rounds++) {
        make_ready();
        assert_true(next_request(&request));
        for (uint32_t i = 0; i < request.count && status != OTTER_E_FLASH; i++)
            status = deliver(request.blocks[i]);
    }
    assert_int_equal(status, OTTER_E_FLASH);
}

/* A part beside the chip that is busy with itself; what was on its way meanwhile is asked for
 * again. */
static void blocks_that_find_flash_silent_are_one_fault_together(void **state)
{
    (void)state;
    struct request request;
    begin(1024, 40 * BLOCK, 16);
    make_ready();
    assert_true(next_request(&request));
    assert_true(request.count > 8);
    device.silent_size = SLOT;
    for (uint32_t i = 0; i < request.count; i++)
        assert_int_equal(deliver(request.blocks[i]), OTTER_E_AGAIN);
    assert_int_equal(ota_download_prepare(&download), OTTER_E_IO);
    device.silent_size = 0;
    for (unsigned round = 0; round < 40 && !ota_download_complete(&download); round++) {
        make_ready();
        assert_true(next_request(&request));
        for (uint32_t i = 0; i < request.count; i++)
            assert_int_equal(deliver(request.blocks[i]), OTTER_OK);
    }
    assert_flash_is_file();
}

int main(void)
{
#define IN_FLASH(test) cmocka_unit_test_teardown(test, tear_down)
    const struct CMUnitTest tests[] = {
        IN_FLASH(a_request_names_only_what_is_missing_and_not_in_flight),
        IN_FLASH(the_next_request_goes_out_when_half_of_the_window_has_arrived),
        IN_FLASH(one_request_never_asks_for_more_than_the_service_sends),
        IN_FLASH(blocks_may_come_in_any_order_and_more_than_once),
        IN_FLASH(a_block_whose_flash_is_not_ready_is_refused),
        IN_FLASH(what_is_two_requests_old_is_asked_for_again),
        IN_FLASH(silence_halves_the_window_and_arrivals_let_it_grow),
        IN_FLASH(a_lost_connection_does_not_shrink_the_window),
        IN_FLASH(a_step_erases_at_most_one_sector),
        IN_FLASH(each_sector_is_erased_once),
        IN_FLASH(a_cut_at_any_flash_operation_ends_in_the_right_file),
        IN_FLASH(flash_that_keeps_refusing_is_reported),
        IN_FLASH(a_block_that_flash_never_takes_ends_the_download),
        IN_FLASH(blocks_that_find_flash_silent_are_one_fault_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
