/* A second source of blocks for the agent, as a server of files that gives ranges of bytes: other
 * rules than a stream's. One range is on its way at a time, of blocks that lie side by side; the
 * pieces arrive late and in any order; a range may be refused for now ("503") or for good ("403").
 * It speaks no protocol: the world's clock and chance are the network. A file's address is in the
 * job document alone, and in the source's RAM until the next start; it may expire. */
#ifndef OTTER_TESTS_SIM_OTA_RANGED_SOURCE_H
#define OTTER_TESTS_SIM_OTA_RANGED_SOURCE_H

#include "services/ota/download.h"
#include "services/ota/source.h"

#define RANGED_ADDRESS_MAX 1024u

struct world;

struct ranged_source {
    struct ota_source source;
    struct world *world;
    bool is_open;
    uint32_t requests;
    uint32_t uses; /* of the address */
    char address[RANGED_ADDRESS_MAX + 1];
    uint32_t under_way; /* blocks */
    struct {
        uint16_t number;
        struct ota_file file; /* as it was when the range was asked for */
        otter_ms at;
    } blocks[2 * OTA_WINDOW_MAX];
};

void ranged_source_init(struct ranged_source *ranged, struct world *world);
/* Delivers what has come. */
void ranged_source_tick(struct ranged_source *ranged, otter_ms now);
otter_ms ranged_source_deadline(const struct ranged_source *ranged);

#endif
