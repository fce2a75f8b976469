/* Layouts for swap by move: the primary may have one sector more. */
#include "tests/sim/boot/geometries.h"

const struct geometry geometries[] = {
    {"5 x 512", {{{5, 512}}, {{5, 512}}}, {4, 4}, 0xff, 8, 8, false},
    {"one sector more", {{{8, 512}}, {{7, 512}}}, {4, 4}, 0xff, 8, 8, false},
    {"write unit 1", {{{8, 512}}, {{7, 512}}}, {1, 1}, 0xff, 8, 8, false},
    {"write unit 8", {{{8, 512}}, {{7, 512}}}, {8, 8}, 0xff, 8, 8, false},
    {"write unit 16", {{{8, 1024}}, {{7, 1024}}}, {16, 16}, 0xff, 16, 8, false},
    {"write unit 32", {{{8, 1024}}, {{7, 1024}}}, {32, 32}, 0xff, 32, 8, false},
    {"trailer over several sectors", {{{12, 256}}, {{11, 256}}}, {8, 8}, 0xff, 8, 16, false},
    {"erased to zero", {{{8, 512}}, {{7, 512}}}, {4, 4}, 0x00, 8, 8, false},
    {"M467: 115 x 4096", {{{115, 4096}}, {{115, 4096}}}, {4, 4}, 0xff, 8, 115, true},
    {"nRF52840: 61 and 60 x 4096", {{{61, 4096}}, {{60, 4096}}}, {4, 4}, 0xff, 8, 128, true},
    {"STM32F7: 128K sectors", {{{4, 131072}}, {{3, 131072}}}, {4, 4}, 0xff, 8, 8, true},
    {NULL, {{{0}}}, {0}, 0, 0, 0, false},
};
