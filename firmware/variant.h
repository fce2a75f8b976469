/* What differs between two builds of the firmware. The version is not here: it is the one that was
 * signed into the image header, and the firmware reads it from its own slot. */
#ifndef OTTER_FIRMWARE_VARIANT_H
#define OTTER_FIRMWARE_VARIANT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct variant {
    const char *label; /* shown at boot, so that two builds can be told apart */
    /* A build that never reaches the cloud, to show what then happens to it (demo and tests). */
    bool deaf;
    uint32_t self_test_timeout_ms; /* from boot on trial to the reset back */
    /* What becomes of a trial at its deadline if the update agent does not run, because the device
     * is not provisioned or a setting is wrong. False: the old firmware comes back. True: this one
     * is kept; for products that are given their first identity only after an update by cable. */
    bool keep_without_agent;
};

extern const struct variant variant;

#ifdef __cplusplus
}
#endif

#endif
