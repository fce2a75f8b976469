/* What the console's page may send to devices: images looked at by the image tool's own code. */
#ifndef OTTER_TOOL_CLOUD_IMAGE_H
#define OTTER_TOOL_CLOUD_IMAGE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#define CLOUD_IMAGE_KEYS_MAX 32u

struct cloud_image_key;

/* The keys that images may be signed with: files named on the command line, those in
 * DIR/image-keys/ *.pem, and the key that this build's bootloaders trust. */
struct cloud_image {
    const char *dir;                         /* the cloud's */
    const char *files[CLOUD_IMAGE_KEYS_MAX]; /* --image-key */
    size_t file_count;
};

/* A page_inspect (cloud/page/page.h) of a struct cloud_image:
 * {"sendable", "problems":[text...], "size", "version"?, "loadAddress"?, "flags"?, "hash": "good",
 *  "bad" or "not checked", "digest"?, "board"?: that the image names, "signed", "signature": the same words, "key"?: the name of
 *  the known key that signed it, "keys":[known names...], "boards":[{"name","limit","fits"}...]} */
json_t *cloud_image_inspect(void *cloud_image, uint8_t *image, size_t size, const char *boards);

#endif
