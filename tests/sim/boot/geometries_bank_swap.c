/* Layouts for bank swap: two equal banks. */
#include "tests/sim/boot/geometries.h"

const struct geometry geometries[] = {
    {"4 x 512", {{{4, 512}}, {{4, 512}}}, {4, 4}, 0xff, 8, 4, false},
    {"write unit 1", {{{6, 512}}, {{6, 512}}}, {1, 1}, 0xff, 8, 8, false},
    {"write unit 8", {{{6, 512}}, {{6, 512}}}, {8, 8}, 0xff, 8, 8, false},
    {"write unit 16", {{{6, 1024}}, {{6, 1024}}}, {16, 16}, 0xff, 16, 8, false},
    {"write unit 32", {{{6, 1024}}, {{6, 1024}}}, {32, 32}, 0xff, 32, 8, false},
    {"erased to zero", {{{6, 512}}, {{6, 512}}}, {4, 4}, 0x00, 8, 8, false},
    {"STM32U5: 2 x 56 x 8K, write unit 16",
     {{{56, 8192}}, {{56, 8192}}},
     {16, 16},
     0xff,
     16,
     56,
     true},
    {NULL, {{{0}}}, {0}, 0, 0, 0, false},
};
