/* What `otter cloud` is told: on the command line, and in a file. */
#ifndef OTTER_TOOL_CLOUD_OPTIONS_H
#define OTTER_TOOL_CLOUD_OPTIONS_H

#include <stdbool.h>

#include "cloud/gateway/rules.h"
#include "tool/cloud_image.h"
#include "tool/cloud_names.h"

#define CLOUD_MQTT_PORT    8883
#define CLOUD_WSS_PORT     443
#define CLOUD_PUBLISH_PORT 8443
#define CLOUD_API_PORT     4566
#define CLOUD_PAGE_PORT    4580

struct cloud_options {
    const char *dir;
    struct cloud_names names;
    unsigned mqtt_port, wss_port, publish_port, api_port, https_port, page_port, delay_ms, rate_kib,
        drop_blocks;
    unsigned keep_metrics, keep_violations; /* days; 0: not said */
    bool strict, log_json;
    struct rules rules;
    struct cloud_image images; /* that the page may send */
};

/* Reads --config's file first, where there is one, and then the rest, which prevails. Texts stay
 * those of `argv`, or are kept for good. 0: run; else the exit code plus one, and all is said. */
int cloud_options_read(struct cloud_options *options, int argc, char **argv);

#endif
