/* Makes secrets go from memory, also where nobody reads it again and a compiler would leave it. */
#ifndef OTTER_PORT_WIPE_H
#define OTTER_PORT_WIPE_H

#include <stddef.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline void port_wipe(void *data, size_t size)
{
    memset(data, 0, size);
    __asm__ volatile("" : : "r"(data) : "memory"); /* as if somebody did */
}

#ifdef __cplusplus
}
#endif

#endif
