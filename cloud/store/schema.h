/* The tables of the cloud's database and their version. */
#ifndef OTTER_CLOUD_STORE_SCHEMA_H
#define OTTER_CLOUD_STORE_SCHEMA_H

#include "cloud/store/db.h"

/* Makes what is missing. OTTER_E_VERSION when the file was written by a newer otter. */
otter_status schema_apply(struct db *db);

#endif
