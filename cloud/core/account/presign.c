/* Presigned URLs; see presign.h. SigV4 in the query, with the account's own keys. */
#include "cloud/core/account/presign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/core/account/credentials.h"
#include "cloud/core/account/sigv4_key.h"
#include "cloud/core/ground/names.h"

#define SCHEME "https://"
#define DOMAIN ".amazonaws.com"

/* ---- reading an S3 URL ---------------------------------------------------------------------- */

/* Decodes %XX. False when it does not fit, holds a NUL, or is empty. */
static bool decode(const char *text, size_t size, char *out, size_t room)
{
    size_t used = 0;
    for (size_t i = 0; i < size;) {
        char c = text[i++];
        if (c == '%') {
            if (i + 2 > size)
                return false;
            hex_decode(&c, text + i, 1);
            i += 2;
        }
        if (!c || used + 1 >= room)
            return false;
        out[used++] = c;
    }
    out[used] = 0;
    return used > 0;
}

static bool begins(const char *text, size_t size, const char *with)
{
    return size >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, size_t size, const char *with)
{
    return size >= strlen(with) && memcmp(text + size - strlen(with), with, strlen(with)) == 0;
}

/* How long the bucket's name before ".s3." or ".s3-" is; 0: the host has none. */
static size_t bucket_in_host(const char *host, size_t size)
{
    for (size_t i = 1; i + 4 < size; i++)
        if (memcmp(host + i, ".s3", 3) == 0 && (host[i + 3] == '.' || host[i + 3] == '-'))
            return i;
    return 0;
}

static size_t until(const char *text, size_t size, char end)
{
    const char *at = memchr(text, end, size);
    return at ? (size_t)(at - text) : size;
}

static bool read_version(const char *query, size_t size, struct object_place *place)
{
    static const char name[] = "versionId=";
    if (size == 0)
        return true;
    return begins(query, size, name) &&
           decode(query + strlen(name), size - strlen(name), place->version, sizeof place->version);
}

bool object_place_read(const char *url, size_t size, struct object_place *place)
{
    *place = (struct object_place){0};
    if (!begins(url, size, SCHEME))
        return false;
    const char *host = url + strlen(SCHEME);
    size_t left = size - strlen(SCHEME), host_size = until(host, left, '/');
    if (host_size == left || !ends(host, host_size, DOMAIN))
        return false;
    const char *path = host + host_size + 1;
    size_t path_size = left - host_size - 1, key_size = until(path, path_size, '?');
    const char *query = path + key_size + (key_size < path_size);
    size_t query_size = path_size - (size_t)(query - path);
    size_t bucket_size = bucket_in_host(host, host_size);
    const char *bucket = host;
    if (begins(host, host_size, "s3.") || begins(host, host_size, "s3-")) {
        bucket = path;
        bucket_size = until(path, key_size, '/');
        if (bucket_size == key_size)
            return false;
        path += bucket_size + 1;
        key_size -= bucket_size + 1;
    }
    return bucket_size > 0 && decode(bucket, bucket_size, place->bucket, sizeof place->bucket) &&
           name_valid(place->bucket, sizeof place->bucket - 1, ".-_") &&
           decode(path, key_size, place->key, sizeof place->key) &&
           read_version(query, query_size, place);
}

/* ---- signing -------------------------------------------------------------------------------- */

#define PART_SIZE 3200 /* an encoded key, and more than any other part */

/* RFC 3986, as SigV4 wants it; `safe` stay, too. */
static void encode(const char *text, const char *safe, char *out, size_t room)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;
    for (; *text && used + 4 < room; text++) {
        char one[2] = {*text, 0};
        if (name_valid(one, 1, "-._~") || strchr(safe, *text)) {
            out[used++] = *text;
            continue;
        }
        out[used++] = '%';
        out[used++] = digits[(unsigned char)*text >> 4];
        out[used++] = digits[(unsigned char)*text & 15];
    }
    out[used] = 0;
}

char *object_place_write(const struct cloud *cloud, const struct object_place *place)
{
    char key[PART_SIZE], version[200];
    size_t room = sizeof key + sizeof version + 200;
    char *url = malloc(room);
    if (!url)
        abort();
    encode(place->key, "/", key, sizeof key);
    encode(place->version, "", version, sizeof version);
    snprintf(url, room, SCHEME "s3.%s" DOMAIN "/%s/%s%s%s", cloud->region, place->bucket, key,
             *version ? "?versionId=" : "", version);
    return url;
}

struct signing_parts {
    char base[300], path[PART_SIZE], query[600], date[17], scope[96];
    const char *host;
};

static void write_parts(const struct cloud *cloud, const struct object_place *place,
                        int64_t expires_s, struct signing_parts *parts)
{
    char key[PART_SIZE - 80], credential[200], id_and_scope[160], version[200];
    time_t now = (time_t)cloud_now(cloud);
    struct tm date = {0};
    gmtime_r(&now, &date);
    strftime(parts->date, sizeof parts->date, "%Y%m%dT%H%M%SZ", &date);
    if (*cloud->downloads)
        snprintf(parts->base, sizeof parts->base, "%s", cloud->downloads);
    else
        snprintf(parts->base, sizeof parts->base, SCHEME "s3.%s" DOMAIN, cloud->region);
    parts->host = strstr(parts->base, "://") + 3;
    encode(place->key, "/", key, sizeof key);
    snprintf(parts->path, sizeof parts->path, "/%s/%s", place->bucket, key);
    snprintf(parts->scope, sizeof parts->scope, "%.8s/%s/s3/aws4_request", parts->date,
             cloud->region);
    snprintf(id_and_scope, sizeof id_and_scope, "%s/%s", cloud->credentials->key_id, parts->scope);
    encode(id_and_scope, "", credential, sizeof credential);
    encode(place->version, "", version, sizeof version);
    snprintf(parts->query, sizeof parts->query,
             "X-Amz-Algorithm=" SIGV4_ALGORITHM "&X-Amz-Credential=%s&X-Amz-Date=%s"
             "&X-Amz-Expires=%lld&X-Amz-SignedHeaders=host%s%s",
             credential, parts->date, (long long)expires_s, *version ? "&versionId=" : "", version);
}

static void sign(const struct cloud *cloud, const char *method, const struct signing_parts *parts,
                 char signature[65])
{
    char canonical[PART_SIZE + 1200], text[256], digest[65], day[9];
    unsigned char key[32], mac[32];
    snprintf(canonical, sizeof canonical, "%s\n%s\n%s\nhost:%s\n\nhost\nUNSIGNED-PAYLOAD", method,
             parts->path, parts->query, parts->host);
    sigv4_hash(canonical, strlen(canonical), digest);
    snprintf(text, sizeof text, SIGV4_ALGORITHM "\n%s\n%s\n%s", parts->date, parts->scope, digest);
    snprintf(day, sizeof day, "%.8s", parts->date);
    sigv4_key(cloud->credentials->secret, day, cloud->region, "s3", key);
    sigv4_hmac(key, sizeof key, text, strlen(text), mac);
    hex_encode(signature, mac, sizeof mac);
}

char *presign(const struct cloud *cloud, const char *method, const struct object_place *place,
              int64_t expires_s)
{
    struct signing_parts parts;
    char signature[65];
    if (!cloud->credentials)
        return NULL;
    write_parts(cloud, place, expires_s, &parts);
    sign(cloud, method, &parts, signature);
    size_t room = strlen(parts.base) + strlen(parts.path) + strlen(parts.query) + 100;
    char *url = malloc(room);
    if (!url)
        abort();
    snprintf(url, room, "%s%s?%s&X-Amz-Signature=%s", parts.base, parts.path, parts.query,
             signature);
    return url;
}
