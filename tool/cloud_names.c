/* Names and addresses from options and from this machine's interfaces. */
#include "tool/cloud_names.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_LENGTH 253
#define LETTERS         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-"

bool cloud_names_is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0;
}

bool cloud_names_add(struct cloud_names *names, const char *host)
{
    size_t length = strlen(host);
    if (length == 0 || length > NAME_MAX_LENGTH || strspn(host, LETTERS) != length) {
        fprintf(stderr, "otter cloud: --host needs a name or an IPv4 address, not '%s'\n", host);
        return false;
    }
    if (names->host_count == CLOUD_HOSTS_MAX) {
        fprintf(stderr, "otter cloud: --host can be given %d times at most\n", CLOUD_HOSTS_MAX);
        return false;
    }
    names->hosts[names->host_count++] = host;
    return true;
}

bool cloud_names_set_address(const char **address, const char *option, const char *text)
{
    struct in_addr ip;
    *address = text;
    if (inet_pton(AF_INET, text, &ip) == 1)
        return true;
    fprintf(stderr, "otter cloud: --%s needs an IPv4 address, not '%s'\n", option, text);
    return false;
}

/* ---- addresses ---- */

/* The first address of this machine that others can reach; false: it has none. */
static bool own_address(char text[256])
{
    struct ifaddrs *all = NULL;
    bool found = false;
    if (getifaddrs(&all) != 0)
        return false;
    for (const struct ifaddrs *one = all; one && !found; one = one->ifa_next) {
        if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET ||
            (one->ifa_flags & (IFF_LOOPBACK | IFF_UP)) != IFF_UP)
            continue;
        const struct sockaddr_in *address = (const struct sockaddr_in *)(void *)one->ifa_addr;
        found = inet_ntop(AF_INET, &address->sin_addr, text, 256) != NULL;
    }
    freeifaddrs(all);
    return found;
}

static void append(struct cloud_names *names, const char *name)
{
    size_t used = strlen(names->certificate);
    snprintf(names->certificate + used, sizeof names->certificate - used, "%s%s", used ? "," : "",
             name);
}

/* The address under which somebody who listens on `address` is reached. */
static void reached_at(const char *address, const char *loopback, char text[256])
{
    if (strcmp(address, "0.0.0.0") == 0 && own_address(text))
        return;
    bool usual = strcmp(address, "127.0.0.1") == 0 || strcmp(address, "0.0.0.0") == 0;
    snprintf(text, 256, "%s", usual ? loopback : address);
}

void cloud_names_complete(struct cloud_names *names)
{
    names->certificate[0] = '\0';
    for (size_t i = 0; i < names->host_count; i++)
        append(names, names->hosts[i]);
    reached_at(names->mqtt_listen, "localhost", names->mqtt_host);
    reached_at(names->api_listen, "127.0.0.1", names->api_host);
    append(names, names->mqtt_host); /* once more does no harm */
    append(names, names->api_host);
    if (names->host_count == 0)
        return;
    snprintf(names->mqtt_host, sizeof names->mqtt_host, "%s", names->hosts[0]);
    if (!cloud_names_is_loopback(names->api_listen))
        snprintf(names->api_host, sizeof names->api_host, "%s", names->hosts[0]);
}
