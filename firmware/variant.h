/* The builds that the demo and the tests ship: what differs between two of them. The version is not
 * here: it is the one that was signed into the image header, and the firmware reads it from its own
 * slot. */
#ifndef OTTER_FIRMWARE_VARIANT_H
#define OTTER_FIRMWARE_VARIANT_H

#include "firmware/app.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct app_config variant;

#ifdef __cplusplus
}
#endif

#endif
