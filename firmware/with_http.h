/* HTTP as a second source of updates (with_http.c). */
#ifndef OTTER_FIRMWARE_WITH_HTTP_H
#define OTTER_FIRMWARE_WITH_HTTP_H

#include "net/http.h"
#include "services/ota/source.h"

#ifdef __cplusplus
extern "C" {
#endif

struct app;

/* Before the agent starts: the source, for its list. */
struct ota_source *prepare_http(struct app *app);

#ifdef __cplusplus
}
#endif

#endif
