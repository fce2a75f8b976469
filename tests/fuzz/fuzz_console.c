/* Any bytes at the console: no crash, output ends with a prompt or within a paste, and the store
 * can still be read. The store lies in RAM; keys are "made" by storing bytes, since making real
 * ones would take most of the time. */
#include <stdlib.h>
#include <string.h>

#include "console/console.h"
#include "store/kv_console.h"

#define SECTOR 4096u

static uint8_t memory[3 * SECTOR];

static otter_status read_memory(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, memory + offset, length);
    return OTTER_OK;
}

static otter_status program_memory(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    for (uint32_t i = 0; i < length; i++) {
        if (memory[offset + i] != 0xff)
            abort(); /* programmed twice */
        memory[offset + i] = ((const uint8_t *)data)[i];
    }
    return OTTER_OK;
}

static otter_status erase_memory(void *ctx, uint32_t offset)
{
    (void)ctx;
    memset(memory + offset, 0xff, SECTOR);
    return OTTER_OK;
}

static struct flash_sector sector_of_memory(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % SECTOR, SECTOR};
}

static const struct flash_ops ops = {read_memory, program_memory, erase_memory, sector_of_memory};
static const struct flash flash = {&ops, NULL, sizeof memory, 1, 0xff};
static const struct flash_area area = {&flash, 0, sizeof memory};

static char last_output[2];

static void keep_end(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length; i++) {
        last_output[0] = last_output[1];
        last_output[1] = text[i];
    }
}

otter_status port_random(void *data, size_t length)
{
    memset(data, 0x5a, length);
    return OTTER_OK;
}

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

/* Keys are not what this is about, and a real one takes long. */
static otter_status no_key(void *ctx, const struct pki_object *object, uint32_t *length)
{
    (void)ctx;
    (void)object;
    (void)length;
    return OTTER_E_NOT_FOUND;
}

static otter_status no_public_key(void *ctx, const struct pki_object *object,
                                  struct pki_public *key)
{
    (void)ctx;
    (void)object;
    (void)key;
    return OTTER_E_NOT_FOUND;
}

static otter_status make_key(void *ctx, const struct pki_object *object,
                             enum pki_algorithm algorithm, struct pki_public *key)
{
    static const uint8_t point[64] = {1};
    (void)ctx;
    (void)object;
    (void)algorithm;
    pki_public_from_point(key, point);
    return OTTER_OK;
}

static otter_status take_key(void *ctx, const struct pki_object *object, const uint8_t *der,
                             uint32_t length, const struct pki_public *key)
{
    return kv_set(ctx, "taken", der, length) == OTTER_OK && object->label != NULL && key->length > 0
               ? OTTER_OK
               : OTTER_E_NO_SPACE;
}

static const struct pki_keys keys = {
    .length = no_key, .public_key = no_public_key, .generate = make_key, .import = take_key};

static otter_ms no_time(void *context)
{
    (void)context;
    return 0;
}

static void no_reset(void *context)
{
    (void)context;
}

static int see_key(void *context, const char *key, uint32_t length)
{
    static uint8_t value[KV_VALUE_MAX];
    uint32_t found;
    if (kv_get(context, key, value, sizeof value, &found) != OTTER_OK || found != length)
        abort();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct console console;
    static struct kv kv;
    static struct pki pki;
    static struct cli_part kv_part;
    static struct config config;
    static struct config_part config_part;
    static const struct console_hooks hooks = {.product = "fuzz",
                                               .version = "0.0.0",
                                               .board = "fuzz",
                                               .reset = no_reset,
                                               .uptime = no_time};
    memset(memory, 0xff, sizeof memory);
    if (kv_open(&kv, &area) != OTTER_OK)
        abort();
    pki_init(&pki, &kv, &keys, &kv);
    config = (struct config){0};
    config_add(&config, &config_part, &device_settings);
    console_init(&console, &kv, &config, &pki, &hooks, keep_end, NULL);
    cli_add(&console.cli, &kv_part, &kv_console, &kv);
    console_input(&console, data, size);
    console_input(&console, "\x03", 1); /* from wherever it is, back to the prompt */
    if (memcmp(last_output, "> ", 2) != 0 || console.cli.paste != NULL)
        abort();
    kv_each(&kv, see_key, &kv);
    return 0;
}
