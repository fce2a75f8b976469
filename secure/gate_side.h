/* For gates on the secure side, those of gates.c and those that a port has besides (ports/stm32):
 * one call at a time, and only memory of who calls. */
#ifndef OTTER_SECURE_GATE_SIDE_H
#define OTTER_SECURE_GATE_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* False while another call is under way, which an interrupt of the other world has come into. */
bool gate_enter(void);
/* Ends what gate_enter began; gives `result` back. */
int32_t gate_leave(int32_t result);

/* Whether all of it is the other world's, by what the processor knows. */
bool gate_may_read(const void *from, uint32_t size);
bool gate_may_write(void *to, uint32_t size);

#ifdef __cplusplus
}
#endif

#endif
