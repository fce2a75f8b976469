/* What the demo shows: headings, lines of the device and the cloud, commands, a progress bar, the
 * closing table. On a terminal every line fits its width; colours (unless NO_COLOR is set) and a
 * moving bar come only where the terminal can do them (TERM is not dumb). Elsewhere: plain lines of
 * any length. */
#ifndef OTTER_TOOL_DEMO_SCREEN_H
#define OTTER_TOOL_DEMO_SCREEN_H

#include <stdbool.h>
#include <stdint.h>

/* `quiet`: headings, events, errors and the closing table only. */
void screen_start(bool quiet);

void screen_heading(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A sentence of the demo itself. */
void screen_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A command as it can be typed into a shell; the words end with NULL. `behind` follows unquoted
 * ("&", "< file"), "" for nothing. */
void screen_command(const char *const words[], const char *behind);
/* The same for what a shell is to read as it stands; broken at spaces. */
void screen_shell(const char *text);
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
/* Draws the bar; where it cannot move, a line for each further tenth. */
void screen_progress(const struct screen_progress *progress);
/* A device's line that replaces the one like it before it; where it cannot, the last one is shown
 * once something else comes. */
void screen_device_passing(const char *line);

void screen_row(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
