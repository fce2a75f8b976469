/* The flash layouts that the power-cut test runs over; each mode takes those that suit it. */
#ifndef OTTER_TESTS_SIM_BOOT_GEOMETRIES_H
#define OTTER_TESTS_SIM_BOOT_GEOMETRIES_H

#include "tests/sim/boot/board.h"

/* For the mode that is linked; ends with a NULL name. */
extern const struct geometry geometries[];

#endif
