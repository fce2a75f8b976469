/* RSA keys for CreateKeysAndCertificate. One takes a tenth of a second to make, for which the loop
 * would stand still; so they are made beside it, some ahead of the devices that ask. Who comes when
 * there is none waits for the next. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/x509.h"

#define STOCK       4
#define WAITING_MAX 64 /* some seconds' worth; a device asks again after that */

struct waiting {
    void (*ready)(void *of, bool come);
    void *of;
};

struct fleet_keys {
    struct cloud *cloud;
    EVP_PKEY *ready[STOCK], *made;
    int count;
    bool making;
    struct waiting waiting[WAITING_MAX]; /* the first has waited longest */
    int waiting_count;
};

static void make_more(struct fleet_keys *keys);

static void make(void *of)
{
    ((struct fleet_keys *)of)->made = x509_make_rsa();
}

static void tell_first(struct fleet_keys *keys, bool come)
{
    const struct waiting first = keys->waiting[0];
    keys->waiting_count--;
    memmove(keys->waiting, keys->waiting + 1, (size_t)keys->waiting_count * sizeof *keys->waiting);
    first.ready(first.of, come);
}

static void made(void *of)
{
    struct fleet_keys *keys = of;
    keys->making = false;
    if (keys->made)
        keys->ready[keys->count++] = keys->made;
    bool come = keys->made != NULL;
    keys->made = NULL;
    while (keys->waiting_count > 0 && (keys->count > 0 || !come))
        tell_first(keys, come);
    if (come)
        make_more(keys);
}

static void make_more(struct fleet_keys *keys)
{
    if (keys->making || keys->count == STOCK)
        return;
    keys->making = true;
    cloud_run(keys->cloud, make, made, keys);
}

void fleet_keys_prepare(struct cloud *cloud)
{
    if (!cloud->host.run) /* nothing is beside the loop */
        return;
    if (!cloud->fleet_keys)
        cloud->fleet_keys = calloc(1, sizeof *cloud->fleet_keys);
    if (!cloud->fleet_keys)
        return;
    cloud->fleet_keys->cloud = cloud;
    make_more(cloud->fleet_keys);
}

EVP_PKEY *fleet_key(struct cloud *cloud)
{
    struct fleet_keys *keys = cloud->fleet_keys;
    EVP_PKEY *key = keys && keys->count > 0 ? keys->ready[--keys->count] : x509_make_rsa();
    fleet_keys_prepare(cloud);
    return key;
}

bool fleet_key_is_ready(const struct cloud *cloud)
{
    const struct fleet_keys *keys = cloud->fleet_keys;
    return !cloud->host.run || (keys && keys->count > 0);
}

bool fleet_await_key(struct cloud *cloud, void (*ready)(void *of, bool come), void *of)
{
    fleet_keys_prepare(cloud);
    struct fleet_keys *keys = cloud->fleet_keys;
    if (!keys || keys->waiting_count == WAITING_MAX)
        return false;
    keys->waiting[keys->waiting_count++] = (struct waiting){ready, of};
    return true;
}

void fleet_forget_waiting(struct cloud *cloud)
{
    struct fleet_keys *keys = cloud->fleet_keys;
    while (keys && keys->waiting_count > 0)
        tell_first(keys, false);
}

void fleet_stop(struct cloud *cloud)
{
    struct fleet_keys *keys = cloud->fleet_keys;
    fleet_forget_waiting(cloud);
    while (keys && keys->count > 0)
        EVP_PKEY_free(keys->ready[--keys->count]);
    if (keys)
        EVP_PKEY_free(keys->made);
    free(keys);
    cloud->fleet_keys = NULL;
}
