/* port_flash on this port: NOR in QEMU's PSRAM, with NOR's rules enforced. The devices of the
 * board's map lie in it one after the other, as in a flash file.
 *
 * What the map says of a device's address is for those who read it without a driver: programs that
 * run from it. One without an address is read by calls, although it lies in the same memory here.
 * Built with OTTER_NOR_TIMING, program and erase take as long as on the internal flash of a
 * NuMaker-IoT-M467. */
#ifndef OTTER_MPS2_NOR_H
#define OTTER_MPS2_NOR_H

#define NOR_BASE 0x80000000u
#define NOR_SIZE 0x1000000u

#endif
