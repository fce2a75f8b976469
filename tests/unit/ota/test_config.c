/* The agent's configuration: each setting that cannot work is refused and named, and what is just
 * enough is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/ota/ota.h"
#include "services/ota/source_stream.h"
#include "tests/sim/nor_sim.h"

#define SECTOR    4096u
#define SLOT      (1025u * SECTOR) /* one block more than OTA_BLOCKS_MAX */
#define SECONDARY SLOT
#define STORE     (SECONDARY + SLOT)
#define PROGRESS  (STORE + 2u * SECTOR)
#define FLASH     (PROGRESS + 4u * SECTOR)

static struct nor_power power;
static struct nor_device device;
static struct flash_area primary, secondary, store, progress, small;
static struct kv kv;
static struct pki pki;
static struct mqtt_session mqtt;
static struct jobs jobs;
static struct ota ota;
static struct ota_config config;
static jsmntok_t tokens[JOBS_TOKENS_MIN];
static char logged[1024];
static struct ota_source_stream stream;
static struct ota_source *const sources_of_blocks[] = {&stream.source};

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    snprintf(logged, sizeof logged, "%.*s", (int)length, line);
}

otter_status port_random(void *data, size_t length)
{
    memset(data, 1, length);
    return OTTER_OK;
}

static void start_session(size_t input, size_t output)
{
    static uint8_t in[16384], out[2048];
    const struct mqtt_config session = {
        .client_id = "c", .input = in, .input_size = input, .output = out, .output_size = output};
    mqtt_init(&mqtt, &session);
}

static int set_up(void **state)
{
    static struct flash_sector sectors[FLASH / SECTOR];
    const uint8_t header[32] = {0x3d, 0xb8, 0xf3, 0x96, 0, 0, 0, 0, 32};
    (void)state;
    nor_uniform_sectors(sectors, FLASH / SECTOR, SECTOR);
    nor_power_init(&power, 1);
    nor_create(&device, &power, sectors, FLASH / SECTOR, 4, 0xff);
    nor_load(&device, 0, header, sizeof header);
    primary = (struct flash_area){&device.flash, 0, SLOT};
    secondary = (struct flash_area){&device.flash, SECONDARY, SLOT};
    store = (struct flash_area){&device.flash, STORE, 2 * SECTOR};
    progress = (struct flash_area){&device.flash, PROGRESS, 4 * SECTOR};
    small = (struct flash_area){&device.flash, PROGRESS, SECTOR};
    start_session(4096 + OTA_MQTT_INPUT_BESIDE_BLOCK, JOBS_MQTT_OUTPUT_MIN);
    ota_source_stream_init(&stream, &mqtt, "thing", 0);
    config = (struct ota_config){.jobs = &jobs,
                                 .sources = sources_of_blocks,
                                 .source_count = 1,
                                 .kv = &kv,
                                 .pki = &pki,
                                 .primary = &primary,
                                 .secondary = &secondary,
                                 .progress = &progress,
                                 .image_size_max = 1024u * SECTOR};
    logged[0] = '\0';
    if (kv_open(&kv, &store) != OTTER_OK)
        return -1;
    const struct jobs_config client = {.mqtt = &mqtt,
                                       .kv = &kv,
                                       .thing_name = "thing",
                                       .tokens = tokens,
                                       .token_count = JOBS_TOKENS_MIN};
    return jobs_init(&jobs, &client, 0) == OTTER_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    nor_destroy(&device);
    return 0;
}

static void refused(const char *words)
{
    assert_int_equal(ota_init(&ota, &config, 0), OTTER_E_ARGUMENT);
    if (strncmp(ota_config_fault(&ota), words, strlen(words)) != 0)
        assert_string_equal(ota_config_fault(&ota), words);
    assert_non_null(strstr(logged, words));
}

static void what_is_just_enough_is_taken(void **state)
{
    (void)state;
    assert_int_equal(ota_init(&ota, &config, 0), OTTER_OK);
    assert_string_equal(ota_config_fault(&ota), "");
}

static void more_blocks_than_the_agent_counts_are_refused(void **state)
{
    (void)state;
    config.image_size_max = 1024u * SECTOR + 1u;
    refused("block_size: too small");
    config.block_size = 2u * SECTOR;
    start_session(8192 + OTA_MQTT_INPUT_BESIDE_BLOCK, JOBS_MQTT_OUTPUT_MIN);
    config.secondary = &primary; /* as large, and of whole pairs of sectors */
    primary.size = secondary.size = 1024u * SECTOR;
    config.image_size_max = 1024u * SECTOR;
    assert_int_equal(ota_init(&ota, &config, 0), OTTER_OK);
}

static void an_input_too_small_for_a_block_is_refused(void **state)
{
    (void)state;
    start_session(4096 + OTA_MQTT_INPUT_BESIDE_BLOCK - 1, JOBS_MQTT_OUTPUT_MIN);
    refused("mqtt: input buffer");
}

static void blocks_that_do_not_fit_the_flash_are_refused(void **state)
{
    (void)state;
    config.block_size = 128;
    refused("block_size: 256 to 131072");
    config.block_size = 262144;
    refused("block_size: 256 to 131072");
    config.block_size = 4098;
    refused("block_size: no multiple of the flash's write size");
    config.block_size = 5000;
    refused("block_size: neither whole sectors");
}

static void a_journal_or_slot_too_small_is_refused(void **state)
{
    (void)state;
    config.progress = &small;
    refused("progress: the area is too small");
    config.progress = &progress;
    config.image_size_max = SLOT + 1u;
    refused("image_size_max: ");
    config.image_size_max = 0;
    refused("image_size_max: ");
}

static void each_missing_part_is_named(void **state)
{
    (void)state;
    const struct ota_config whole = config;
    config.jobs = NULL;
    refused("jobs: missing");
    config = whole;
    config.kv = NULL;
    refused("kv: missing");
    config = whole;
    config.pki = NULL;
    refused("pki: missing");
    config = whole;
    config.secondary = NULL;
    refused("primary, secondary: ");
    config = whole;
    config.progress = NULL;
    refused("progress: the area is missing");
    config = whole;
    config.source_count = 0;
    refused("sources: none");
    config.source_count = OTA_SOURCES_MAX + 1;
    refused("sources: none or too many");
}

#if OTA_IMAGES_MAX > 1
static void partners_that_cannot_work_are_named(void **state)
{
    (void)state;
    struct ota_partner partner = {
        .primary = &primary, .secondary = &secondary, .image_size_max = 1024u * SECTOR};
    config.partners = &partner;
    config.partner_count = 1;
    assert_int_equal(ota_init(&ota, &config, 0), OTTER_OK);
    partner.image_size_max = 0;
    refused("partners: image_size_max: ");
    partner.image_size_max = SLOT + 1u;
    refused("partners: image_size_max: ");
    partner.secondary = NULL;
    refused("partners: a slot is missing");
    config.partner_count = OTA_IMAGES_MAX;
    refused("partners: more than OTA_IMAGES_MAX");
}
#endif

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(what_is_just_enough_is_taken),
        PROMISE(more_blocks_than_the_agent_counts_are_refused),
        PROMISE(an_input_too_small_for_a_block_is_refused),
        PROMISE(blocks_that_do_not_fit_the_flash_are_refused),
        PROMISE(a_journal_or_slot_too_small_is_refused),
        PROMISE(each_missing_part_is_named),
#if OTA_IMAGES_MAX > 1
        PROMISE(partners_that_cannot_work_are_named),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
