/* Files of assets/, taken in by the assembler as they are. */
#include "cloud/page/assets.h"

#include <string.h>

/* PAGE_ASSETS, the folder, is the build's. */
#define TAKE(name, file)                                                                           \
    __asm__(".section .rodata\n"                                                                   \
            "asset_" #name ": .incbin \"" PAGE_ASSETS "/" file "\"\n"                              \
            "asset_" #name "_end: .byte 0\n"                                                       \
            ".previous\n");                                                                        \
    extern const unsigned char asset_##name[], asset_##name##_end[];

#define SCRIPT "text/javascript; charset=utf-8"

#define ASSETS(X)                                                                                  \
    X(index, "index.html", "text/html; charset=utf-8")                                             \
    X(style, "style.css", "text/css; charset=utf-8")                                               \
    X(icon, "icon.svg", "image/svg+xml")                                                           \
    X(app, "app.js", SCRIPT)                                                                       \
    X(ask, "ask.js", SCRIPT)                                                                       \
    X(draw, "draw.js", SCRIPT)                                                                     \
    X(things, "things.js", SCRIPT)                                                                 \
    X(thing, "thing.js", SCRIPT)                                                                   \
    X(chart, "chart.js", SCRIPT)                                                                   \
    X(jobs, "jobs.js", SCRIPT)                                                                     \
    X(update, "update.js", SCRIPT)                                                                 \
    X(mqtt, "mqtt.js", SCRIPT)

#define X(name, file, type) TAKE(name, file)
ASSETS(X)
#undef X

const struct asset *asset_at(unsigned index)
{
    static struct asset assets[] = {
#define X(name, file, type) {"/" file, type, asset_##name, 0},
        ASSETS(X)
#undef X
    };
    static const unsigned char *const ends[] = {
#define X(name, file, type) asset_##name##_end,
        ASSETS(X)
#undef X
    };
    if (index >= sizeof assets / sizeof *assets)
        return NULL;
    assets[index].size = (size_t)(ends[index] - assets[index].bytes);
    return &assets[index];
}

const struct asset *asset_find(const char *path)
{
    const struct asset *asset;
    for (unsigned i = 0; (asset = asset_at(i)); i++) {
        if (strcmp(asset->path, path) == 0)
            return asset;
    }
    return NULL;
}
