/* One row for each update mode: the lines in which its bootloader tells of it. */
#include "tool/demo/mode.h"

const struct demo_mode *demo_mode_of(enum update_mode update)
{
    static const struct demo_mode modes[] = {
        [UPDATE_SWAP_SCRATCH] = {"] Swapping: ", "the swap", "Boot source: primary slot", true},
        [UPDATE_SWAP_MOVE] = {"] Swapping: ", "the swap", "Boot source: primary slot", true},
        [UPDATE_SWAP_OFFSET] = {"] Swapping: ", "the swap", "Boot source: primary slot", true},
        [UPDATE_OVERWRITE] = {"] Swapping: ", "the copy", "Swap type: perm", false},
        /* Nothing is moved: all that can be cut is the way to the first start. */
        [UPDATE_DIRECT_XIP] = {"the bootloader will try the new image", "the restart",
                               "Swap type: test", true},
        [UPDATE_BANK_SWAP] = {"Starting swap using bank swap", "the exchange of the banks",
                              "Swap type: test", true},
    };
    return &modes[update];
}
