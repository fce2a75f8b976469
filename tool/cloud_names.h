/* Where a cloud listens, and under which names it is reached: in its certificate and in what it
 * announces. */
#ifndef OTTER_TOOL_CLOUD_NAMES_H
#define OTTER_TOOL_CLOUD_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define CLOUD_HOSTS_MAX 8

struct cloud_names {
    const char *mqtt_listen, *api_listen; /* IPv4 addresses */
    const char *hosts[CLOUD_HOSTS_MAX];   /* given with --host */
    size_t host_count;

    /* made by cloud_names_complete */
    char certificate[2560];             /* all names besides the usual ones, parted by commas */
    char mqtt_host[256], api_host[256]; /* announced */
};

/* False after saying on stderr what is wrong. */
bool cloud_names_add(struct cloud_names *names, const char *host);
bool cloud_names_set_address(const char **address, const char *option, const char *text);
/* Beyond loopback the machine's own address is found out when 0.0.0.0 is listened on. */
void cloud_names_complete(struct cloud_names *names);
bool cloud_names_is_loopback(const char *address);

#endif
