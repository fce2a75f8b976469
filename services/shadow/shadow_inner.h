/* Between the files of the shadow service only. */
#ifndef OTTER_SERVICES_SHADOW_SHADOW_INNER_H
#define OTTER_SERVICES_SHADOW_SHADOW_INNER_H

#include "services/shadow/shadow.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SHADOW_TAG "SHADOW"

/* shadow_report.c: writes the document's report, of what is dirty and claimed, into shadow->report.
 * Its length, or OTTER_E_TOO_LONG. */
int shadow_report_write(struct shadow *shadow, const struct shadow_document *document);
/* The setting's value as the store has it; "" when it has none. */
void shadow_value_read(const struct shadow *shadow, const struct shadow_property *property,
                       char text[CONFIG_TEXT_MAX + 1]);
/* Never 0. */
uint32_t shadow_value_sum(const char *text, size_t length, uint32_t kind);

/* shadow_desired.c: takes or refuses what the delta has of the document's properties. */
void shadow_desired_take(struct shadow *shadow, struct shadow_document *document,
                         const struct json *json);

#ifdef __cplusplus
}
#endif

#endif
