/* What the demo shows: headings, lines of the device and the cloud, commands, a progress bar, the
 * closing table. Colours and a moving bar on a terminal only; plain lines elsewhere. */
#ifndef OTTER_TOOL_DEMO_SCREEN_H
#define OTTER_TOOL_DEMO_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

void screen_start(void);

void screen_heading(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A sentence of the demo itself. */
void screen_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void screen_command(const char *command);
void screen_result(const char *format, ...) __attribute__((format(printf, 1, 2)));
void screen_device(const char *line);
void screen_cloud(const char *line);
void screen_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Something that the demo does to the device. */
void screen_event(const char *format, ...) __attribute__((format(printf, 1, 2)));
void screen_good(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct screen_progress {
    uint32_t blocks_done, blocks_total;
    uint32_t bytes_done, bytes_total;
    double seconds; /* since the first block */
};
/* Draws the bar; off a terminal a line for each further tenth. */
void screen_progress(const struct screen_progress *progress);

void screen_row(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
