/* The file of credentials, and its owner. */
#include "cloud/core/account/credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/whole_file.h"

#define KEY_ID_PREFIX "OTTR"
#define ALL                                                                                        \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"iot:*\","       \
    "\"Resource\":\"*\"}]}"

void credentials_random(struct credentials *credentials)
{
    strcpy(credentials->key_id, KEY_ID_PREFIX);
    random_text(credentials->key_id + strlen(KEY_ID_PREFIX),
                CREDENTIALS_KEY_ID_LENGTH - strlen(KEY_ID_PREFIX),
                "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    random_text(credentials->secret, CREDENTIALS_SECRET_LENGTH,
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
}

static bool make(const char *path, struct credentials *credentials, char *reason, size_t size)
{
    char text[256];
    credentials_random(credentials);
    snprintf(text, sizeof text, "[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
             credentials->key_id, credentials->secret);
    if (whole_file_write(path, text))
        return true;
    snprintf(reason, size, "cannot write %.400s: %s", path, strerror(errno));
    return false;
}

static bool read_from(FILE *file, struct credentials *credentials)
{
    char line[128];
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "aws_access_key_id = %20s", credentials->key_id);
        sscanf(line, "aws_secret_access_key = %40s", credentials->secret);
    }
    return strlen(credentials->key_id) == CREDENTIALS_KEY_ID_LENGTH &&
           strlen(credentials->secret) == CREDENTIALS_SECRET_LENGTH;
}

bool credentials_open(const char *dir, struct credentials *credentials, char *reason, size_t size)
{
    char path[600];
    *credentials = (struct credentials){{0}, {0}};
    snprintf(path, sizeof path, "%s/credentials", dir);
    FILE *file = fopen(path, "r");
    if (!file && errno == ENOENT)
        return make(path, credentials, reason, size);
    if (!file) {
        snprintf(reason, size, "cannot read %.400s: %s", path, strerror(errno));
        return false;
    }
    bool done = read_from(file, credentials);
    fclose(file);
    if (!done)
        snprintf(reason, size, "%.400s is damaged; remove it to have new ones", path);
    return done;
}

const struct credentials *credentials_find(const struct cloud *cloud, const char *key_id)
{
    const struct credentials *credentials = cloud->credentials;
    return credentials && strcmp(credentials->key_id, key_id) == 0 ? credentials : NULL;
}

void credentials_principal(const struct cloud *cloud, struct principal *principal)
{
    *principal = (struct principal){.kind = PRINCIPAL_USER, .documents = json_pack("[s]", ALL)};
    snprintf(principal->id, sizeof principal->id, "%s", cloud->account);
}
