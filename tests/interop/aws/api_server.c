/* The HTTP APIs alone, without broker and gateway, for tests with real AWS CLIs.
 *
 *   api_server DIR [SECONDS]    state in DIR; patience with slow clients; writes DIR/cloud.json
 * when it answers; SIGTERM ends it */
#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cloud/api/api.h"
#include "cloud/core/account/credentials.h"
#include "cloud/core/core.h"
#include "cloud/loop/loop.h"

#define KEY_ID "AKIAOTTERTESTKEY0001"
#define SECRET "test/secret+of/the+local/cloud0000000001"

static void on_signal(evutil_socket_t signal, short what, void *base)
{
    (void)signal, (void)what;
    event_base_loopbreak(base);
}

/* Written aside and renamed: a reader sees all of it or nothing. */
static int announce(const char *dir, const char *url)
{
    char path[512], aside[520];
    snprintf(path, sizeof path, "%s/cloud.json", dir);
    snprintf(aside, sizeof aside, "%s.new", path);
    json_t *facts =
        json_pack("{s:i,s:s,s:s,s:s,s:s}", "pid", (int)getpid(), "api_url", url, "region",
                  CLOUD_REGION, "access_key_id", KEY_ID, "secret_access_key", SECRET);
    int failed = json_dump_file(facts, aside, 0) || rename(aside, path);
    json_decref(facts);
    return failed;
}

int main(int argc, char **argv)
{
    struct cloud cloud;
    struct loop loop;
    char reason[256] = "";
    struct event_base *base = event_base_new();
    const struct credentials credentials = {KEY_ID, SECRET};
    struct cloud_config config = {
        .dir = argc > 1 ? argv[1] : ".", .credentials = &credentials, .strict = true};
    struct api_config api_config = {.patience_s = argc > 2 ? (unsigned)atoi(argv[2]) : 0};
    if (!base || core_start(&cloud, &config) != OTTER_OK || !loop_start(&loop, base, &cloud, true))
        return 1;
    struct api *api = api_start(&loop, &api_config, reason, sizeof reason);
    if (api) /* presigned URLs lead to the same port */
        snprintf(cloud.downloads, sizeof cloud.downloads, "http://127.0.0.1:%u", api_port(api));
    if (!api || announce(config.dir, cloud.downloads)) {
        fprintf(stderr, "api_server: %s\n", reason);
        return 1;
    }
    struct event *term = evsignal_new(base, SIGTERM, on_signal, base);
    event_add(term, NULL);
    event_base_dispatch(base);
    event_free(term);
    api_stop(api);
    loop_stop(&loop);
    core_stop(&cloud);
    event_base_free(base);
    return 0;
}
