/* A tree of certificates (tsearch of the C library), and a list of connections for each. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/gateway/client.h"
#include "cloud/gateway/principals.h"

struct principals {
    void *tree; /* of struct principal */
};

struct principal {
    char certificate[TLS_ID_SIZE]; /* first: what the tree compares */
    struct client_list clients;
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct principal *find(const struct principals *principals, const char *certificate)
{
    void *found = tfind(certificate, &principals->tree, compare);
    return found ? *(struct principal **)found : NULL;
}

struct principals *principals_new(void)
{
    return calloc(1, sizeof(struct principals));
}

void principals_free(struct principals *principals)
{
    free(principals);
}

static struct principal *add(struct principals *principals, const char *certificate)
{
    struct principal *principal = calloc(1, sizeof *principal);
    if (!principal)
        return NULL;
    memcpy(principal->certificate, certificate, sizeof principal->certificate);
    LIST_INIT(&principal->clients);
    if (tsearch(principal, &principals->tree, compare))
        return principal;
    free(principal);
    return NULL;
}

bool principals_add(struct principals *principals, struct client *client)
{
    struct principal *principal = find(principals, client->certificate);
    if (!principal)
        principal = add(principals, client->certificate);
    if (!principal)
        return false;
    LIST_INSERT_HEAD(&principal->clients, client, of_certificate);
    client->has_principal = true;
    return true;
}

void principals_remove(struct principals *principals, struct client *client)
{
    struct principal *principal = find(principals, client->certificate);
    if (!client->has_principal || !principal)
        return;
    LIST_REMOVE(client, of_certificate);
    client->has_principal = false;
    if (!LIST_EMPTY(&principal->clients))
        return;
    tdelete(principal, &principals->tree, compare);
    free(principal);
}

void principals_check(struct principals *principals, const char *certificate)
{
    struct principal *principal = find(principals, certificate);
    struct client *client;
    if (principal)
        LIST_FOREACH(client, &principal->clients, of_certificate)
    client_check_identity(client);
}
