/* The bar and its rate, from bytes and time. */
#include "tool/recover_progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define BAR_WIDTH 30u

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double recover_progress_seconds(const struct recover_progress *progress)
{
    return now_s() - progress->started;
}

void recover_progress_start(struct recover_progress *progress, uint32_t total)
{
    *progress = (struct recover_progress){
        .total = total, .moves = isatty(STDOUT_FILENO) == 1, .started = now_s()};
}

static void print_numbers(const struct recover_progress *progress, uint32_t done)
{
    const double seconds = recover_progress_seconds(progress);
    const double rate = seconds > 0 ? done / seconds : 0;
    const unsigned percent = (unsigned)((uint64_t)done * 100 / progress->total);
    printf("%3u %%  %u of %u bytes", percent, done, progress->total);
    if (rate > 0) {
        const unsigned left = (unsigned)((progress->total - done) / rate + 0.5);
        printf("  %.1f KiB/s  %u:%02u left", rate / 1024, left / 60, left % 60);
    }
}

static void draw_bar(const struct recover_progress *progress, uint32_t done)
{
    const unsigned filled = (unsigned)((uint64_t)done * BAR_WIDTH / progress->total);
    printf("\r[");
    for (unsigned i = 0; i < BAR_WIDTH; i++)
        putchar(i < filled ? '#' : '.');
    printf("] ");
    print_numbers(progress, done);
    printf("\033[K");
    fflush(stdout);
}

void recover_progress_show(void *context, uint32_t done)
{
    struct recover_progress *progress = context;
    const uint32_t tenths = (uint32_t)((uint64_t)done * 10 / progress->total);
    if (progress->moves) {
        draw_bar(progress, done);
    } else if (tenths > progress->tenths) {
        print_numbers(progress, done);
        putchar('\n');
        fflush(stdout);
    }
    progress->tenths = tenths;
}

void recover_progress_end(const struct recover_progress *progress)
{
    if (progress->moves)
        putchar('\n');
}
