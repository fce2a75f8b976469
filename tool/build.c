/* otter build: what a person flashes to a board, out of the board's build: bootloader.hex, the
 * signed firmware and merged.hex. The front script has built the programs before this runs. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/arguments.h"
#include "tool/board_map.h"
#include "tool/child.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/keys.h"
#include "tool/provision_section.h"

enum { OPTION_LIST = 256, OPTION_SERVICES, OPTION_PROVISION };

static const struct option options[] = {
    {'b', "board", "BOARD", "the board to build for: a folder of boards/"},
    {'k', "key", "PEM",
     "signs with this key instead of the build's own; the bootloader that was built must\n"
     "                                trust it (cmake -DOTTER_SIGNING_KEY)"},
    {'V', "version", "X.Y.Z", "version in the image's header (1.0.0)"},
    {OPTION_SERVICES, "services", "all|none|LIST",
     "builds the firmware with these services (names of services/, commas between them)\n"
     "                                instead of those that the board's folder names"},
    {OPTION_PROVISION, "provision", "FILE",
     "for development: merged.hex has settings, keys and certificates for the first boot,\n"
     "                                as otter provision --from takes them"},
    {OPTION_LIST, "list", NULL, "lists the boards, and the sizes of what has been built"},
    {0},
};

static const struct usage usage = {
    .command = "build",
    .operands = "--board BOARD [OPTION]...",
    .summary =
        "Builds bootloader and firmware for a board and puts into build/BOARD what is flashed:\n"
        "bootloader.hex, firmware-VERSION.signed.bin (for updates; in two worlds\n"
        "secure-VERSION.signed.bin, too) and merged.hex (all of it, for a programmer).\n"
        "boards/BOARD/README.md says how to flash it and what comes then.",
    .options = options,
    .examples = "  otter build --list\n"
                "  otter build --board numaker-iot-m467\n"
                "  otter build --board numaker-iot-m467 -V 1.2.0 -k product.pem\n"
                "  otter build --board stm32h573i-dk --services time,defender,shadow\n",
};

struct job {
    const char *board, *key, *version, *script;
};

/* ---- the list ---- */

static long size_of(const char *build, const char *name)
{
    char path[1024];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", build, name);
    return stat(path, &status) == 0 ? (long)status.st_size : -1;
}

static void list_board(const char *name)
{
    struct board_map map;
    struct failure failure;
    if (board_map_read(name, &map, &failure) != OTTER_OK || strcmp(map.port, "posix") == 0)
        return;
    const long boot = size_of(map.build, "firmware/bootloader.bin");
    const long firmware = size_of(map.build, "firmware/firmware-1.0.0.bin");
    printf("  %-26s %-13s %-10s", name, board_map_update_name(map.update),
           map.network[0] ? map.network : "-");
    if (boot > 0 && firmware > 0)
        printf(" %10ld %10ld", boot, firmware);
    else
        printf(" %10s %10s", "-", "-");
    printf("   %s\n", map.port);
}

static int list(void)
{
    char names[2048];
    board_map_names(names, sizeof names);
    printf("  %-26s %-13s %-10s %10s %10s   %s\n", "board", "update", "network", "bootloader",
           "firmware", "port");
    for (char *rest = names, *name; (name = strtok_r(rest, ",", &rest)) != NULL;)
        list_board(name + strspn(name, " "));
    puts("Sizes in bytes of flash, of what has been built: ./otter build --board BOARD");
    return 0;
}

/* ---- one board ---- */

/* Runs one of our own commands in the board's build folder, as a person would type it there. */
static bool run(const char *build, const char *const words[])
{
    char program[1024];
    struct child child;
    const char *argv[40] = {program};
    snprintf(program, sizeof program, "%s/otter", program_directory());
    printf("  $ otter");
    for (unsigned i = 0; words[i] && i < 38; i++) {
        argv[i + 1] = words[i];
        printf(strchr(words[i], ' ') != NULL ? " '%s'" : " %s", words[i]);
    }
    printf("\n");
    fflush(stdout);
    const struct child_io io = {.directory = build};
    if (!child_start(&child, words[0], (char *const *)argv, &io))
        return false;
    (void)child_wait(&child, 120000);
    return child.exit_code == 0;
}

/* The firmware, or, of a board in two worlds, the secure program, which the firmware needs. */
static bool sign(const struct board_map *map, const struct job *job, const char *image,
                 bool is_secure)
{
    char header[16], slot[16], align[16], sectors[16], sector[16], max_align[16], needs[64];
    const bool has_needs = board_map_has_two_worlds(map) && !is_secure;
    const char *mode = board_map_sign_mode(map->update);
    snprintf(header, sizeof header, "0x%x", map->header_size);
    snprintf(slot, sizeof slot, "0x%x", is_secure ? map->secure_primary.size : map->primary.size);
    snprintf(needs, sizeof needs, "(0, %.40s)", job->version);
    snprintf(align, sizeof align, "%u", map->devices[map->candidate.device].write_size);
    snprintf(sectors, sizeof sectors, "%u", map->max_sectors);
    snprintf(sector, sizeof sector, "0x%x",
             board_map_sector_at(&map->devices[map->primary.device], map->primary.offset).size);
    snprintf(max_align, sizeof max_align, "%u", map->max_align);
    const char *words[] = {"sign",
                           "-k",
                           job->key ? job->key : "keys/boot-signing.pem",
                           "-v",
                           job->version,
                           "--header-size",
                           header,
                           "--pad-header",
                           "-S",
                           slot,
                           "--align",
                           align,
                           "--max-align",
                           max_align,
                           "-M",
                           sectors,
                           "--vid",
                           BOARD_CLASS_VENDOR,
                           "--cid",
                           map->name,
                           is_secure ? "firmware/secure.bin" : "firmware/firmware-1.0.0.bin",
                           image,
                           NULL,
                           NULL,
                           NULL,
                           NULL,
                           NULL,
                           NULL,
                           NULL};
    unsigned count = 0;
    while (words[count] != NULL)
        count++;
    if (mode != NULL) {
        words[count++] = "--mode";
        words[count++] = mode;
        words[count++] = "--sector-size";
        words[count++] = sector;
    }
    if (has_needs) {
        words[count++] = "-d";
        words[count++] = needs;
    }
    return run(map->build, words);
}

/* Where the hardware exchanges two banks, each has a bootloader in front. */
static bool merge(const struct board_map *map, const char *image, const char *secure)
{
    const uint32_t at = board_map_address(map, &map->boot);
    const bool twice = map->update == UPDATE_BANK_SWAP;
    char boot[64], again[64], program[256], services[256];
    snprintf(boot, sizeof boot, "firmware/bootloader.bin@0x%x", at);
    snprintf(again, sizeof again, "firmware/bootloader.bin@0x%x",
             at + map->devices[map->boot.device].size / 2);
    snprintf(program, sizeof program, "%s@0x%x", image, board_map_address(map, &map->primary));
    const char *alone[] = {"merge", "-o", "bootloader.hex", boot, twice ? again : NULL, NULL};
    snprintf(services, sizeof services, "%s@0x%x", secure,
             board_map_address(map, &map->secure_primary));
    const char *both[] = {"merge", "-o",    "merged.hex",
                          boot,    program, twice ? again : secure[0] != 0 ? services : NULL,
                          NULL};
    return run(map->build, alone) && run(map->build, both);
}

/* As the build wrote them down (firmware/CMakeLists.txt). */
static void print_services(const struct board_map *map)
{
    char path[1024], names[256] = "";
    snprintf(path, sizeof path, "%s/firmware/services", map->build);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    if (fgets(names, sizeof names, file) != NULL)
        names[strcspn(names, "\n")] = '\0';
    fclose(file);
    for (char *at = names; *at != '\0'; at++)
        *at = *at == ';' ? ' ' : *at;
    printf("    services: %s\n", names[0] != '\0' ? names : "updates only");
}

/* The build's own key is in its bootloader; another one may be meant for boards that have another.
 */
static void warn_of_distrust(const struct board_map *map, const char *path)
{
    char name[1024];
    struct key key = {0};
    struct bytes boot = {0}, der = {0};
    struct failure failure = {0};
    snprintf(name, sizeof name, "%s/firmware/bootloader.bin", map->build);
    if (file_read(name, &boot, &failure) == OTTER_OK &&
        key_read(&key, path, &failure) == OTTER_OK &&
        key_public_der(&key, &der, &failure) == OTTER_OK &&
        memmem(boot.data, boot.size, der.data, der.size) == NULL)
        fprintf(
            stderr,
            "otter build: warning: the bootloader that was built does not trust %s and will not "
            "start this image; boards whose bootloader was built with it will "
            "(-DOTTER_SIGNING_KEY=%s)\n",
            path, path);
    key_free(&key);
    bytes_free(&der);
    bytes_free(&boot);
}

static int build(const struct job *job)
{
    struct board_map map;
    struct failure failure;
    char image[96], secure[96] = "", signed_image[1024], provisioned[1024];
    if (board_map_read(job->board, &map, &failure) != OTTER_OK)
        return failure_print(&failure, "build");
    if (strcmp(map.port, "posix") == 0) {
        fprintf(stderr,
                "otter build: %s is a process of this machine; nothing is flashed: otter device\n",
                map.name);
        return 1;
    }
    snprintf(image, sizeof image, "firmware-%s.signed.bin", job->version);
    const bool emulated = strcmp(map.port, "mps2-an505") == 0;
    if (board_map_has_two_worlds(&map))
        snprintf(secure, sizeof secure, "secure-%s.signed.bin", job->version);
    if (!sign(&map, job, image, false) || (secure[0] != '\0' && !sign(&map, job, secure, true)))
        return 1;
    if (job->key)
        warn_of_distrust(&map, job->key);
    if (job->script != NULL) {
        snprintf(provisioned, sizeof provisioned, "%s/firmware.provisioned.bin", map.build);
        snprintf(signed_image, sizeof signed_image, "%s/%s", map.build, image);
        if (provision_section_add(signed_image, job->script, provisioned, &failure) != OTTER_OK)
            return failure_print(&failure, "build");
    }
    if (!emulated && !merge(&map, job->script != NULL ? "firmware.provisioned.bin" : image, secure))
        return 1;
    char *folder = realpath(map.build, NULL); // without its ".."
    printf("\n  %s/\n", folder != NULL ? folder : map.build);
    print_services(&map);
    free(folder);
    if (emulated)
        printf("    %-27s for qemu-system-arm -kernel\n", "firmware/bootloader.elf");
    else
        printf("    %-27s %8ld bytes at 0x%08x\n", "bootloader.hex",
               size_of(map.build, "firmware/bootloader.bin"), board_map_address(&map, &map.boot));
    printf("    %-27s %8ld bytes, the image of an update\n", image, size_of(map.build, image));
    if (secure[0] != '\0')
        printf("    %-27s %8ld bytes, that of the secure program\n", secure,
               size_of(map.build, secure));
    if (!emulated)
        printf("    %-27s all of it, for a programmer%s\n", "merged.hex",
               job->script != NULL ? ", and the keys of one device: for development only" : "");
    if (job->script != NULL)
        printf("    %-27s the image with these keys\n", "firmware.provisioned.bin");
    return 0;
}

int command_build(int argc, char **argv)
{
    struct job job = {.version = "1.0.0"};
    struct arguments arguments;
    int got;
    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        switch (got) {
        case ARGUMENTS_HELP:
            return 0;
        case ARGUMENTS_WRONG:
            return 2;
        case ARGUMENTS_OPERAND:
            return usage_wrong(&usage, "what is '%s' for?", arguments.value);
        case OPTION_LIST:
            return list();
        case OPTION_PROVISION:
            job.script = arguments.value;
            break;
        case OPTION_SERVICES: // the front script has built it so
            break;
        case 'b':
            job.board = arguments.value;
            break;
        case 'k':
            job.key = arguments.value;
            break;
        default:
            job.version = arguments.value;
        }
    }
    if (!job.board)
        return usage_wrong(&usage, "--board is needed; --list shows which there are");
    char *key = job.key != NULL ? realpath(job.key, NULL) : NULL; // signing runs in another folder
    if (key != NULL)
        job.key = key;
    const int code = build(&job);
    free(key);
    return code;
}
