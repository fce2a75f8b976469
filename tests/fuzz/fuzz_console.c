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

static otter_status store_key(struct kv *kv)
{
    return kv_set(kv, "pki/tls_key_pub", "not a key", 9);
}

static otter_status store_cert(struct kv *kv, const char *common_name)
{
    return kv_set(kv, "pki/tls_cert", common_name, (uint32_t)strlen(common_name));
}

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
    static struct cli_part kv_part;
    static const struct console_hooks hooks = {.product = "fuzz",
                                               .version = "0.0.0",
                                               .board = "fuzz",
                                               .reset = no_reset,
                                               .uptime = no_time,
                                               .generate_key = store_key,
                                               .generate_cert = store_cert};
    memset(memory, 0xff, sizeof memory);
    if (kv_open(&kv, &area) != OTTER_OK)
        abort();
    console_init(&console, &kv, &hooks, keep_end, NULL);
    cli_add(&console.cli, &kv_part, &kv_console, &kv);
    console_input(&console, data, size);
    console_input(&console, "\x03", 1); /* from wherever it is, back to the prompt */
    if (memcmp(last_output, "> ", 2) != 0 || console.cli.paste != NULL)
        abort();
    kv_each(&kv, see_key, &kv);
    return 0;
}
