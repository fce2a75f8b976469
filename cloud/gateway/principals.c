/* A tree of principals (tsearch of the C library), and a list of connections for each. */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/gateway/client.h"
#include "cloud/gateway/principals.h"

struct principals {
    void *tree; /* of struct known */
};

struct key {
    enum principal_kind kind;
    char id[PRINCIPAL_ID_SIZE];
};

struct known {
    struct key key; /* first: what the tree compares */
    struct client_list clients;
};

static int compare(const void *a, const void *b)
{
    const struct key *one = a, *other = b;
    return one->kind != other->kind ? (int)one->kind - (int)other->kind
                                    : strcmp(one->id, other->id);
}

static struct known *find(const struct principals *principals, enum principal_kind kind,
                          const char *id)
{
    struct key key = {.kind = kind};
    snprintf(key.id, sizeof key.id, "%s", id);
    void *found = tfind(&key, &principals->tree, compare);
    return found ? *(struct known **)found : NULL;
}

static struct known *find_own(const struct principals *principals, const struct client *client)
{
    return find(principals, client->principal.kind, client->principal.id);
}

struct principals *principals_new(void)
{
    return calloc(1, sizeof(struct principals));
}

void principals_free(struct principals *principals)
{
    free(principals);
}

static struct known *add(struct principals *principals, const struct principal *principal)
{
    struct known *known = calloc(1, sizeof *known);
    if (!known)
        return NULL;
    known->key.kind = principal->kind;
    memcpy(known->key.id, principal->id, sizeof known->key.id);
    LIST_INIT(&known->clients);
    if (tsearch(known, &principals->tree, compare))
        return known;
    free(known);
    return NULL;
}

bool principals_add(struct principals *principals, struct client *client)
{
    struct known *known = find_own(principals, client);
    if (!known)
        known = add(principals, &client->principal);
    if (!known)
        return false;
    LIST_INSERT_HEAD(&known->clients, client, of_principal);
    client->is_known = true;
    return true;
}

void principals_remove(struct principals *principals, struct client *client)
{
    struct known *known = find_own(principals, client);
    if (!client->is_known || !known)
        return;
    LIST_REMOVE(client, of_principal);
    client->is_known = false;
    if (!LIST_EMPTY(&known->clients))
        return;
    tdelete(known, &principals->tree, compare);
    free(known);
}

void principals_check(struct principals *principals, enum principal_kind kind, const char *id)
{
    struct known *known = find(principals, kind, id);
    struct client *client;
    if (known)
        LIST_FOREACH(client, &known->clients, of_principal)
    client_check_identity(client);
}
