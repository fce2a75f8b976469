/* Layouts for swap by offset: the secondary may have one sector more. */
#include "tests/sim/boot/geometries.h"

const struct geometry geometries[] = {
    {"5 x 512", {{{5, 512}}, {{5, 512}}}, {4, 4}, 0xff, 8, 8, false},
    {"one sector more", {{{7, 512}}, {{8, 512}}}, {4, 4}, 0xff, 8, 8, false},
    {"write unit 1", {{{7, 512}}, {{8, 512}}}, {1, 1}, 0xff, 8, 8, false},
    {"write unit 8", {{{7, 512}}, {{8, 512}}}, {8, 8}, 0xff, 8, 8, false},
    {"write unit 16", {{{7, 1024}}, {{8, 1024}}}, {16, 16}, 0xff, 16, 8, false},
    {"write unit 32", {{{7, 1024}}, {{8, 1024}}}, {32, 32}, 0xff, 32, 8, false},
    {"trailer over several sectors", {{{11, 256}}, {{12, 256}}}, {8, 8}, 0xff, 8, 16, false},
    {"erased to zero", {{{7, 512}}, {{8, 512}}}, {4, 4}, 0x00, 8, 8, false},
    {"M467: 115 x 4096", {{{115, 4096}}, {{115, 4096}}}, {4, 4}, 0xff, 8, 115, true},
    {"nRF52840: 60 and 61 x 4096", {{{60, 4096}}, {{61, 4096}}}, {4, 4}, 0xff, 8, 128, true},
    {"STM32F7: 128K sectors", {{{3, 131072}}, {{4, 131072}}}, {4, 4}, 0xff, 8, 8, true},
    {NULL, {{{0}}}, {0}, 0, 0, 0, false},
};
