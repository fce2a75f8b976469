/* Flash of the emulated board that takes time, as any flash does, so that there is something to watch
 * and to cut in the middle; for the profiles. */
#define BOARD_ERASE_US        2000u
#define BOARD_PROGRAM_UNIT_US 4u
