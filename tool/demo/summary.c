/* The figures at the end of the demo: as a table for people, as lines for programs. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tool/demo/demo.h"
#include "tool/demo/screen.h"

struct span {
    const char *title; /* in the table */
    const char *name;  /* in the report */
    enum moment from, to;
};

static const struct span spans[] = {
    {"cloud up", "cloud_seconds", AT_START, AT_CLOUD_UP},
    {"first boot", "boot_seconds", AT_CLOUD_UP, AT_BOOTED},
    {"provisioning", "provisioning_seconds", AT_BOOTED, AT_PROVISIONED},
    {"registration", "registration_seconds", AT_PROVISIONED, AT_REGISTERED},
    {"on line", "on_line_seconds", AT_REGISTERED, AT_ON_LINE},
    {"release", "release_seconds", AT_ON_LINE, AT_RELEASED},
    {"update made, job accepted", "accept_seconds", AT_RELEASED, AT_DOWNLOAD_STARTED},
    {"download", "download_seconds", AT_DOWNLOAD_STARTED, AT_DOWNLOADED},
    {"verification", "verify_seconds", AT_DOWNLOADED, AT_VERIFIED},
    {"reset and swap", "swap_seconds", AT_VERIFIED, AT_RESTARTED},
    {"self-test, report", "self_test_seconds", AT_RESTARTED, AT_END},
    {"all of it", "all_seconds", AT_START, AT_END},
};

#define SPANS (sizeof spans / sizeof *spans)

/* 0 when one of the two moments never came, or not in this order. */
static double length_of(const struct demo *demo, const struct span *span)
{
    const double from = demo->at[span->from], to = demo->at[span->to];
    return from > 0 && to > from ? to - from : 0;
}

static unsigned built_size(const struct demo *demo, const char *name)
{
    struct stat info;
    return stat(world_path(&demo->world, world_built(&demo->world, name)), &info) == 0
               ? (unsigned)info.st_size
               : 0;
}

/* What became of the update, in the words of the people who wait for it. */
static void say_outcome(const struct demo *demo)
{
    const char *from = demo->old_version, *to = demo->new_version;
    if (strcmp(demo->job_status, "SUCCEEDED") == 0)
        screen_row("outcome", "%s -> %s%s", from, to,
                   demo->fault == FAULT_POWER ? ", through two power cuts" : "");
    else if (strcmp(demo->job_status, "REJECTED") == 0)
        screen_row("outcome", "%s was refused before its download; %s runs on", to, from);
    else if (demo_ends_on_new(demo))
        screen_row("outcome", "%s failed its self-test and stays: this board has no way back to %s",
                   to, from);
    else if (demo->at[AT_RESTARTED] > 0)
        screen_row("outcome", "%s was tried and rolled back; %s runs again", to, from);
    else
        screen_row("outcome", "%s was refused after its download; %s runs on", to, from);
}

void demo_summary(const struct demo *demo)
{
    screen_heading("Summary");
    say_outcome(demo);
    screen_row("job", "%s: %s", demo->job_status, demo->job_reason);
    const bool two_worlds = board_map_has_two_worlds(&demo->world.board);
    screen_row(two_worlds ? "images over the air" : "image over the air", "%u bytes in %u blocks",
               demo->bytes_signed, demo->blocks_loaded);
    screen_row("bootloader, firmware", "%u and %u bytes of flash",
               built_size(demo, "firmware/bootloader.bin"),
               built_size(demo, "firmware/firmware-1.0.1.bin"));
    if (two_worlds)
        screen_row("secure program", "%u bytes of flash", built_size(demo, "firmware/secure.bin"));
    screen_row("RAM", "%s", demo->memory + strspn(demo->memory, "RAM "));
    screen_row("TLS arena", "%s", demo->arena + strspn(demo->arena, "TLS arena "));
    for (unsigned i = 0; i < SPANS; i++) {
        const double seconds = length_of(demo, &spans[i]);
        if (seconds > 0)
            screen_row(spans[i].title, "%6.1f s", seconds);
    }
}

bool demo_report(const struct demo *demo)
{
    FILE *file = fopen(demo->report, "w");
    if (file == NULL) {
        screen_error("cannot write the report %s", demo->report);
        return false;
    }
    fprintf(file, "job %s\nimage_bytes %u\nblocks %u\ndevice_download_seconds %.3f\n",
            demo->job_status, demo->bytes_signed, demo->blocks_loaded, demo->download_ms / 1000.0);
    for (unsigned i = 0; i < SPANS; i++)
        fprintf(file, "%s %.3f\n", spans[i].name, length_of(demo, &spans[i]));
    return fclose(file) == 0;
}
