/* Lays out the small board and puts images into its slots. */
#include "tests/unit/boot/mode_board.h"

#include <stdio.h>
#include <string.h>

#include "port/port.h"

struct board board;
char said[2000];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static void note(void *ctx, const struct boot_event *event)
{
    char line[160];
    (void)ctx;
    if (boot_event_text(event, line, sizeof line))
        snprintf(said + strlen(said), sizeof said - strlen(said), "%s\n", line);
}

void board_begin(const struct geometry *geometry)
{
    board_create(&board, geometry);
    board.config.hooks.report = note;
}

void board_end(void)
{
    board_destroy(&board);
}

uint8_t *put_version(unsigned device, uint8_t version)
{
    uint8_t image[END];
    sim_image_make(image, END, version, SIM_KEY);
    board_load(&board, device, image, END);
    return board.device[device].data;
}

unsigned boot_version(void)
{
    said[0] = '\0';
    board_boot(&board);
    return board.status == OTTER_OK ? board.result.header.version.major : 0;
}
