/* Which connections came with which certificate. */
#ifndef OTTER_CLOUD_GATEWAY_PRINCIPALS_H
#define OTTER_CLOUD_GATEWAY_PRINCIPALS_H

struct client;
struct principals;

struct principals *principals_new(void);             /* NULL: out of memory */
void principals_free(struct principals *principals); /* must be empty */

/* False: out of memory. */
bool principals_add(struct principals *principals, struct client *client);
void principals_remove(struct principals *principals, struct client *client);
/* Calls client_check_identity for each connection of that certificate. */
void principals_check(struct principals *principals, const char *certificate);

#endif
