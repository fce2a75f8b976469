/* The folder of a local cloud: made, locked, and what it shows to other programs.
 *
 *   lock          held while a cloud runs on the folder
 *   credentials   the one access key pair, in the AWS CLI's format (mode 0600)
 *   cloud.json    where the running cloud is; there exactly while it is ready (mode 0600) */
#ifndef OTTER_TOOL_CLOUD_DIR_H
#define OTTER_TOOL_CLOUD_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "cloud/core/account/credentials.h"

#define CLOUD_DIR_MAX 512

struct cloud_dir {
    char path[CLOUD_DIR_MAX]; /* absolute */
    int lock;
    unsigned made;  /* folders, of the end of the path */
    bool made_lock; /* its file */
    struct credentials credentials;
};

/* Makes the folder (mode 0700) and its credentials where they are missing, and locks it. False
 * after saying on stderr what is wrong and what to do. */
bool cloud_dir_open(struct cloud_dir *dir, const char *path);
/* Makes and locks the folder alone, for what will be put in its place. False after saying why on
 * stderr; what was made is gone again. */
bool cloud_dir_lock(struct cloud_dir *dir, const char *path);
/* Unlocks, and removes what cloud_dir_lock has made, as far as nobody has put anything there. */
void cloud_dir_undo(struct cloud_dir *dir);
/* Where devices reach the cloud. */
struct cloud_doors {
    const char *host;
    uint16_t mqtt, web, publish; /* ports: AWS's 8883, 443 and 8443 */
    uint16_t page;               /* the console's */
};
/* Writes cloud.json, whole or not at all. */
bool cloud_dir_announce(const struct cloud_dir *dir, const struct cloud_doors *doors,
                        const char *api_url, const char *region, const char *account);
/* Removes cloud.json and unlocks. */
void cloud_dir_close(struct cloud_dir *dir);

#endif
