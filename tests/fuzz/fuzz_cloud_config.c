/* Configuration files of `otter cloud`. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tool/cloud_config.h"

static const struct cloud_config_option options[] = {
    {"port", true, false}, {"limit", true, true}, {"strict", false, false}};

/* What is set is a text without blanks around it. */
static bool check(void *context, size_t option, const char *value, char *reason, size_t size)
{
    (void)context, (void)reason, (void)size;
    if ((value != NULL) != options[option].has_value)
        abort();
    if (value && (!*value || strchr(" \t", *value) || strchr(" \t", value[strlen(value) - 1])))
        abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[160] = "", *text = malloc(size + 1); /* a byte behind these is a finding */
    const struct cloud_config_reader reader = {options, 3, check, NULL};
    if (!text)
        abort();
    memcpy(text, data, size);
    if (!cloud_config_read(&reader, text, size, reason, sizeof reason) &&
        strncmp(reason, "line ", 5) != 0)
        abort();
    free(text);
    return 0;
}
