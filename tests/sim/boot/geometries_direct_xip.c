/* Layouts for direct XIP. */
#include "tests/sim/boot/geometries.h"

const struct geometry geometries[] = {
    {"4 x 512", {{{4, 512}}, {{4, 512}}}, {4, 4}, 0xff, 8, 4, false},
    {"write unit 1", {{{6, 512}}, {{6, 512}}}, {1, 1}, 0xff, 8, 8, false},
    {"write unit 8", {{{6, 512}}, {{6, 512}}}, {8, 8}, 0xff, 8, 8, false},
    {"write unit 16", {{{6, 1024}}, {{6, 1024}}}, {16, 16}, 0xff, 16, 8, false},
    {"write unit 32", {{{6, 1024}}, {{6, 1024}}}, {32, 32}, 0xff, 32, 8, false},
    {"erased to zero", {{{6, 512}}, {{6, 512}}}, {4, 4}, 0x00, 8, 8, false},
    {"unequal sectors",
     {{{2, 512}, {1, 1024}, {1, 2048}}, {{1, 2048}, {4, 512}}},
     {4, 4},
     0xff,
     8,
     8,
     false},
    {NULL, {{{0}}}, {0}, 0, 0, 0, false},
};
