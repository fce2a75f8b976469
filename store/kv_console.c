/* What the store brings to the console: the command `kv`, and its line of `stat`. */
#include "store/kv_console.h"

#include "store/kv.h"

static int print_key(void *ctx, const char *key, uint32_t length)
{
    cli_printf(ctx, "%-*s %5lu bytes\n", (int)KV_KEY_MAX, key, (unsigned long)length);
    return 0;
}

static void print_damage(void *ctx, const struct kv_damage *damage)
{
    const char *key = damage->key[0] != '\0' ? damage->key
                      : damage->offset == 0  ? "(sector header)"
                                             : "(unknown key)";
    cli_printf(ctx, "%-*s sector %lu: %s\n", (int)KV_KEY_MAX, key, (unsigned long)damage->sector,
               damage->repaired ? "one bit flipped, put right when read" : "DAMAGED, set it again");
}

static void command_kv(struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct kv *kv = cli_context(cli);
    struct kv_usage usage;
    kv_each(kv, print_key, cli);
    kv_usage(kv, &usage);
    cli_printf(cli, "%lu keys take %lu of %lu bytes.\n", (unsigned long)usage.keys,
               (unsigned long)usage.live_bytes, (unsigned long)usage.capacity_bytes);
    const uint32_t damaged = kv_check(kv, print_damage, cli);
    if (damaged > 0)
        cli_printf(cli, "%lu records do not read as they were written.\n", (unsigned long)damaged);
}

static void stat(struct cli *cli)
{
    struct kv_usage usage;
    if (kv_usage(cli_context(cli), &usage) == OTTER_OK)
        cli_printf(cli, "store      %lu of %lu bytes, %lu keys\n", (unsigned long)usage.live_bytes,
                   (unsigned long)usage.capacity_bytes, (unsigned long)usage.keys);
}

static const struct cli_command command = {
    "kv", "Show what is stored, how full flash is, and its damage", "", command_kv};

const struct cli_table kv_console = {&command, 1, stat};
