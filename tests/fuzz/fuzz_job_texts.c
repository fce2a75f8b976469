/* Texts of jobs that the cloud reads letter by letter: windows (cron), and the URLs of S3 objects.
 * The first byte chooses. What was read must also give an answer that fits. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/presign.h"
#include "cloud/core/jobs/cron.h"

#define NOW 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cron(const char *text)
{
    struct cron cron;
    char reason[200];
    if (!cron_read(text, &cron, reason, sizeof reason))
        return;
    int64_t next = cron_next(&cron, NOW);
    if (next && (next < NOW || cron_last(&cron, next, 0) != next))
        abort();
}

static void check_url(const char *text, size_t size)
{
    const struct cloud cloud = {.region = "us-east-1"};
    struct object_place place, again;
    if (!object_place_read(text, size, &place))
        return;
    char *url = object_place_write(&cloud, &place);
    if (!object_place_read(url, strlen(url), &again) || strcmp(place.key, again.key) != 0 ||
        strcmp(place.version, again.version) != 0)
        abort();
    free(url);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char *text = strndup((const char *)data + 1, size - 1);
    if (data[0] & 1)
        check_cron(text);
    else
        check_url(text, strlen(text));
    free(text);
    return 0;
}
