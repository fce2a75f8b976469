/* Counters, and their text form: https://prometheus.io/docs/instrumenting/exposition_formats/ */
#include "cloud/loop/metrics.h"

#include <dirent.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t counts[METRIC_COUNT];

static const struct {
    const char *name, *labels, *help;
} texts[] = {
#define METRIC_TEXT(id, name, labels, help) {name, labels, help},
    METRICS(METRIC_TEXT)
#undef METRIC_TEXT
};

void metric_add(enum metric metric)
{
    counts[metric]++;
}

uint64_t metric_of(enum metric metric)
{
    return counts[metric];
}

static void describe(struct evbuffer *to, const char *name, const char *help, const char *type)
{
    evbuffer_add_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_gauge(struct evbuffer *to, const char *name, const char *labels, double value,
                   const char *help)
{
    if (help)
        describe(to, name, help, "gauge");
    evbuffer_add_printf(to, "%s%s %.15g\n", name, labels, value);
}

static void write_counters(struct evbuffer *to)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (i == 0 || strcmp(texts[i].name, texts[i - 1].name) != 0)
            describe(to, texts[i].name, texts[i].help, "counter");
        evbuffer_add_printf(to, "%s%s %llu\n", texts[i].name, texts[i].labels,
                            (unsigned long long)counts[i]);
    }
}

/* ---- the process; named as in all of Prometheus's client libraries ---- */

static double resident_bytes(void)
{
    char line[128] = "", *resident = line;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file && fgets(line, sizeof line, file))
        (void)strtoul(line, &resident, 10); /* of the whole; the second is what is resident */
    if (file)
        fclose(file);
    return (double)strtoul(resident, NULL, 10) * (double)sysconf(_SC_PAGESIZE);
}

static unsigned open_files(void)
{
    unsigned count = 0;
    DIR *files = opendir("/proc/self/fd");
    while (files && readdir(files))
        count++;
    if (files)
        closedir(files);
    return count > 3 ? count - 3 : 0; /* ".", "..", and the folder itself */
}

static void write_process(struct evbuffer *to)
{
    struct rusage used;
    struct rlimit files;
    getrusage(RUSAGE_SELF, &used);
    getrlimit(RLIMIT_NOFILE, &files);
    describe(to, "process_cpu_seconds_total", "Processor time used", "counter");
    evbuffer_add_printf(to, "process_cpu_seconds_total %.6f\n",
                        (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                            (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    metrics_gauge(to, "process_resident_memory_bytes", "", resident_bytes(), "Memory in use");
    metrics_gauge(to, "process_open_fds", "", open_files(), "Open files and connections");
    metrics_gauge(to, "process_max_fds", "", (double)files.rlim_cur, "Most that may be open");
}

void metrics_write(struct evbuffer *to)
{
    write_counters(to);
    metrics_gauge(to, "otter_cloud_connections", "",
                  (double)(counts[METRIC_CONNECTED] - counts[METRIC_DISCONNECTED]),
                  "Devices that are on line");
    write_process(to);
}
