/* RSA keys for CreateKeysAndCertificate. One takes a tenth of a second to make, for which the loop
 * would stand still; so some are made beside it, ahead of the devices that ask. */
#include <openssl/evp.h>
#include <stdlib.h>

#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/x509.h"

#define STOCK 4

struct fleet_keys {
    struct cloud *cloud;
    EVP_PKEY *ready[STOCK], *made;
    int count;
    bool making;
};

static void make_more(struct fleet_keys *keys);

static void make(void *of)
{
    ((struct fleet_keys *)of)->made = x509_make_rsa();
}

static void made(void *of)
{
    struct fleet_keys *keys = of;
    keys->making = false;
    if (!keys->made)
        return;
    keys->ready[keys->count++] = keys->made;
    keys->made = NULL;
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

void fleet_stop(struct cloud *cloud)
{
    struct fleet_keys *keys = cloud->fleet_keys;
    while (keys && keys->count > 0)
        EVP_PKEY_free(keys->ready[--keys->count]);
    if (keys)
        EVP_PKEY_free(keys->made);
    free(keys);
    cloud->fleet_keys = NULL;
}
