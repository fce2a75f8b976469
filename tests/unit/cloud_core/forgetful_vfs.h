/* A disk in memory that forgets: what was written since the last sync of a file is lost when the
 * power is cut, or stands there in part. SQLite's files all lie on it while it is in use. */
#ifndef TEST_CLOUD_FORGETFUL_VFS_H
#define TEST_CLOUD_FORGETFUL_VFS_H

#include <stdbool.h>

/* Puts an empty disk under every database that is opened from now on. Power goes at the sync number
 * `cut` (1 is the first; 0: never): that sync and all after it have no effect. */
void forgetful_use(int cut);
bool forgetful_is_dead(void);
/* Now. */
void forgetful_cut(void);
/* What a new start finds: only what was synced, and the first writes of the rest. */
void forgetful_restart(void);
/* Back to the machine's own disk. */
void forgetful_end(void);

#endif
