/* The console: a page on loopback, for a browser on this machine, served by the cloud itself.
 *
 * It shows what the core knows and asks for changes by AWS's own operations: /aws/SERVICE/... is
 * that service's HTTP API (iot, iotdata, signer), as the account's owner. What AWS has no operation
 * for is below /page/ (cloud/page/README.md). */
#ifndef OTTER_CLOUD_PAGE_PAGE_H
#define OTTER_CLOUD_PAGE_PAGE_H

#include <jansson.h>

#include "cloud/loop/loop.h"

struct broker;
struct page;

/* Looks at an image, on the worker's thread: bytes in, an object out, whose member `sendable` says
 * whether devices may get it; `boards`, names with commas between, are those that it is meant for,
 * or "". The bytes may be written to. */
typedef json_t *page_inspect(void *context, uint8_t *image, size_t size, const char *boards);

struct page_config {
    uint16_t port; /* 0: a free one, see page_port */
    const char *dir;
    const char *mqtt_host;
    uint16_t mqtt_port;
    page_inspect *inspect;
    void *inspect_context;
};

/* Everything that is handed in must live longer. NULL with the reason in `reason`. */
struct page *page_start(struct loop *loop, struct broker *broker, const struct page_config *config,
                        char *reason, size_t size);
uint16_t page_port(const struct page *page);
void page_stop(struct page *page); /* NULL is fine */

/* Makes a new link, which works once and within 15 minutes; an older one works no more.
 * "http://127.0.0.1:PORT/login?..." False, with errno. */
#define PAGE_LINK_SIZE 128
bool page_link(const char *dir, uint16_t port, char link[PAGE_LINK_SIZE]);

#endif
