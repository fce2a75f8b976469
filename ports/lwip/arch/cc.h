/* What lwIP wants to know of compiler and platform. */
#ifndef OTTER_LWIP_ARCH_CC_H
#define OTTER_LWIP_ARCH_CC_H

#include <stdint.h>
#include <stdlib.h>

#define LWIP_NO_UNISTD_H 1
#define LWIP_NO_CTYPE_H  1 /* its own few lines instead of the C library's table */
typedef uint32_t sys_prot_t;
#define LWIP_TIMEVAL_PRIVATE 0
#define BYTE_ORDER           LITTLE_ENDIAN

#define LWIP_PLATFORM_DIAG(x)
/* An inconsistency inside of lwIP: the hard fault handler logs the place and resets. */
#define LWIP_NOASSERT
#define LWIP_PLATFORM_ASSERT(x) __builtin_trap()

#endif
