/* NOR flash in a file: the devices of the board, one after the other.
 *
 * The file is mapped shared, so what has been programmed survives the process. NOR rules are
 * enforced: a program that touches a unit which is not erased fails with OTTER_E_FLASH. With
 * OTTER_FLASH_TIMING=ERASE_US,PROGRAM_UNIT_US in the environment each takes as long as on a real
 * part. */
#ifndef OTTER_PORTS_POSIX_FLASH_FILE_H
#define OTTER_PORTS_POSIX_FLASH_FILE_H

#include <stdbool.h>

#include "port/flash.h"

/* Adopts the descriptor in OTTER_FLASH_FD, or else opens and locks the file at `path`. The file
 * must exist and have exactly the board's flash size. On failure a message on stderr says what is
 * wrong and what to do, and false comes back. The devices are port_flash. */
bool flash_file_open(const char *path);

/* Descriptor of the open file, to be handed over by exec. */
int flash_file_descriptor(void);

#endif
