/* Policy documents as anybody with the access key may upload them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/registry/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char reason[160];
    char *text = strndup((const char *)data, size);
    struct policy_set *set = policy_set_new();
    struct policy_context context = {
        .client_id = "sensor-1", .source_ip = "127.0.0.1", .thing_name = "sensor-1"};
    if (policy_set_add(set, text, reason, sizeof reason))
        policy_allows(set, &context, "iot:Publish",
                      "arn:aws:iot:us-east-1:123456789012:topic/$aws/things/sensor-1/jobs/get");
    policy_set_free(set);
    free(text);
    return 0;
}
