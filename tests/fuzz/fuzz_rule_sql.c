/* Statements of topic rules, and templates in their actions, as anybody who may make rules writes
 * them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/rules/sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char payload[] =
        "{\"t\":21,\"n\":\"x\",\"l\":[1,{\"a\":2.5}],\"o\":{\"on\":true}}";
    char reason[160], *text = strndup((const char *)data, size);
    size_t length = 0;
    json_t *root = sql_read(payload, sizeof payload - 1);
    const struct sql_message message = {.topic = "a/b/c",
                                        .payload = payload,
                                        .length = sizeof payload - 1,
                                        .client_id = "dev",
                                        .now_ms = 1700000000000,
                                        .root = root};
    struct sql *sql = sql_parse(text, reason, sizeof reason);
    if (sql && sql_selects(sql, &message))
        free(sql_output(sql, &message, &length));
    sql_free(sql);
    if (!sql_template_fault(text, reason))
        free(sql_fill(text, &message));
    json_decref(root);
    free(text);
    return 0;
}
