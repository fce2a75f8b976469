/* What else clients of the HTTP APIs hand in: XML, queries, paths, ranges of percent-encoding. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/router.h"
#include "cloud/api/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *parameters[CALL_PARAMETERS_MAX];
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = 0;
    json_decref(xml_read(text, size));
    json_decref(router_parse_query(text));
    if (router_match("/things/{}/jobs/{}", text, parameters)) {
        for (int i = 0; i < CALL_PARAMETERS_MAX; i++)
            free(parameters[i]);
    }
    free(text);
    return 0;
}
