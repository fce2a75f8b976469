/* Images from a browser; see cloud_image.h. Runs on the cloud's worker thread: files are read, and
 * nothing is shared with the loop. */
#include "tool/cloud_image.h"

#include <glob.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool/board_map.h"
#include "tool/child.h"
#include "tool/inspect.h"
#include "tool/keys.h"
#include "tool/values.h"

static void add_problem(json_t *result, const char *text)
{
    json_array_append_new(json_object_get(result, "problems"), json_string(text));
}

/* ---- keys ---- */

/* Whether key_read would ask for a pass phrase at the terminal, where nobody waits. */
static bool is_locked(const char *path)
{
    char line[256];
    bool locked = false;
    FILE *file = fopen(path, "r");
    while (file && !locked && fgets(line, sizeof line, file))
        locked = strstr(line, "ENCRYPTED") != NULL;
    if (file)
        fclose(file);
    return locked;
}

/* "image-keys/lamp.pem" is "lamp". */
static void name_of(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    snprintf(name, size, "%s", slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = '\0';
}

struct search {
    struct inspection *inspection;
    json_t *result;
};

static void try_key(struct search *search, const char *path)
{
    struct key key = {0};
    struct failure failure;
    char name[128];
    json_t *keys = json_object_get(search->result, "keys");
    if (is_locked(path) || key_read(&key, path, &failure) != OTTER_OK)
        return;
    name_of(path, name, sizeof name);
    json_array_append_new(keys, json_string(name));
    if (search->inspection->signature != CHECKED_GOOD && search->inspection->has_image) {
        inspection_free(search->inspection);
        search->inspection->verdict = (struct image_verdict){0};
        search->inspection->failure.text[0] = '\0';
        search->inspection->key = &key;
        inspection_run(search->inspection);
        search->inspection->key = NULL;
        if (search->inspection->signature == CHECKED_GOOD)
            json_object_set_new(search->result, "key", json_string(name));
    }
    key_free(&key);
}

static void try_keys(struct search *search, const struct cloud_image *known)
{
    char pattern[700];
    glob_t found;
    for (size_t i = 0; i < known->file_count; i++)
        try_key(search, known->files[i]);
    snprintf(pattern, sizeof pattern, "%s/image-keys/*.pem", known->dir);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && i < CLOUD_IMAGE_KEYS_MAX; i++)
            try_key(search, found.gl_pathv[i]);
        globfree(&found);
    }
    snprintf(pattern, sizeof pattern, "%s/../keys/boot-signing.pem", program_directory());
    try_key(search, pattern);
}

/* ---- boards ---- */

#define CLASS_SIZE 16u

/* The class of device that the image names, as `otter build` does; false: none. */
static bool read_class(const struct inspection *inspection, uint8_t class[CLASS_SIZE])
{
    struct image_tlv tlv;
    if (!inspection->has_image ||
        image_tlv_find(&inspection->view.image, IMAGE_TLV_UUID_CID, &tlv) != 1 ||
        !tlv.is_protected || tlv.length != CLASS_SIZE)
        return false;
    memcpy(class, image_view_tlv(&inspection->view, &tlv), CLASS_SIZE);
    return true;
}

static bool is_class_of(const uint8_t class[CLASS_SIZE], const char *board)
{
    uint8_t vendor[16], own[16];
    value_name_uuid(value_uuid_dns, BOARD_CLASS_VENDOR, vendor);
    value_name_uuid(vendor, board, own);
    return memcmp(class, own, CLASS_SIZE) == 0;
}

/* The board that the class is that of, if it is one of the tree. */
static void name_board(json_t *result, const struct inspection *inspection)
{
    char names[2048], *rest = names, *name;
    uint8_t class[CLASS_SIZE];
    if (!read_class(inspection, class))
        return;
    board_map_names(names, sizeof names);
    while ((name = strsep(&rest, ", "))) {
        if (*name && is_class_of(class, name))
            json_object_set_new(result, "board", json_string(name));
    }
}

/* Devices take no image that names another class than what runs there. */
static void check_class(json_t *result, const struct inspection *inspection, const char *board)
{
    uint8_t class[CLASS_SIZE];
    char text[256];
    const char *named = json_string_value(json_object_get(result, "board"));
    if (!read_class(inspection, class) || is_class_of(class, board))
        return;
    snprintf(text, sizeof text, "The image is for %s%.60s, not for the board %.60s.",
             named ? "the board " : "another class of device", named ? named : "", board);
    add_problem(result, text);
}

static void check_board(json_t *result, const char *name, size_t size)
{
    struct board_map map;
    struct failure failure;
    char text[256];
    if (board_map_read(name, &map, &failure) != OTTER_OK)
        return; /* a product's own: its device judges */
    const bool fits = size <= map.image_size_max;
    json_array_append_new(json_object_get(result, "boards"),
                          json_pack("{s:s, s:I, s:b}", "name", name, "limit",
                                    (json_int_t)map.image_size_max, "fits", (int)fits));
    if (fits)
        return;
    snprintf(text, sizeof text,
             "The image has %zu bytes; the slot of the board %.60s takes images of up to %u.", size,
             name, (unsigned)map.image_size_max);
    add_problem(result, text);
}

static void check_boards(json_t *result, const struct inspection *inspection, const char *boards)
{
    char name[BOARD_NAME_MAX + 1];
    while (*boards) {
        const size_t length = strcspn(boards, ",");
        if (length > 0 && length < sizeof name && !memchr(boards, '.', length)) {
            snprintf(name, sizeof name, "%.*s", (int)length, boards);
            check_class(result, inspection, name);
            check_board(result, name, inspection->size);
        }
        boards += length + (boards[length] == ',');
    }
}

/* ---- the verdict ---- */

static const char *word_of(enum check_result result)
{
    static const char *const words[] = {"good", "bad", "not checked"};
    return words[result];
}

static void describe(json_t *result, const struct inspection *inspection)
{
    char version[VALUE_VERSION_TEXT_SIZE];
    const struct image_header *header = &inspection->view.image.header;
    value_version_text(&header->version, version);
    json_object_set_new(result, "version", json_string(version));
    json_object_set_new(result, "loadAddress", json_integer(header->load_address));
    json_object_set_new(result, "flags", json_integer(header->flags));
    json_object_set_new(result, "hash", json_string(word_of(inspection->hash)));
    json_object_set_new(result, "signed", json_boolean(image_view_is_signed(&inspection->view)));
    json_object_set_new(result, "signature", json_string(word_of(inspection->signature)));
    json_t *all = inspection_json(inspection), *digest = json_object_get(all, "digest");
    if (digest)
        json_object_set(result, "digest", digest);
    json_decref(all);
}

static void judge(json_t *result, const struct inspection *inspection, const uint8_t *image)
{
    char text[640];
    if (!inspection->has_image && image[0] == ':') {
        add_problem(result, "This is an Intel HEX file, for programmers. Updates are the binary "
                            "that `otter sign` writes to a name that ends in .bin.");
    } else if (!inspection->has_image) {
        snprintf(text, sizeof text, "This is no firmware image: %.500s.", inspection->failure.text);
        add_problem(result, text);
    } else if (inspection->hash == CHECKED_BAD) {
        add_problem(result, "The image is damaged: its hash is not that of its contents. Sign the "
                            "program again, or copy the file again.");
    } else if (inspection->hash == NOT_CHECKED) {
        add_problem(result, "The image is encrypted, so that it cannot be checked here. Send it "
                            "with the AWS CLI: otter aws iot create-ota-update.");
    } else if (!image_view_is_signed(&inspection->view)) {
        add_problem(result, "The image is not signed. Sign it: otter sign -k KEY ...");
    } else if (inspection->signature != CHECKED_GOOD) {
        add_problem(result, "No known key has signed this image, so no device would start it. If "
                            "the devices trust its key, put the public key as a .pem file into the "
                            "folder image-keys of the cloud's folder, or start the cloud with "
                            "--image-key FILE.");
    }
}

json_t *cloud_image_inspect(void *context, uint8_t *image, size_t size, const char *boards)
{
    const struct cloud_image *known = context;
    struct inspection inspection = {.data = image, .size = (uint32_t)size};
    json_t *result = json_pack("{s:[], s:[], s:[], s:I}", "problems", "keys", "boards", "size",
                               (json_int_t)size);
    struct search search = {&inspection, result};
    inspection_run(&inspection);
    if (!inspection.has_image || inspection.hash != CHECKED_BAD)
        try_keys(&search, known);
    if (inspection.has_image)
        describe(result, &inspection);
    judge(result, &inspection, image);
    name_board(result, &inspection);
    check_boards(result, &inspection, boards);
    json_object_set_new(result, "sendable",
                        json_boolean(json_array_size(json_object_get(result, "problems")) == 0));
    inspection_free(&inspection);
    return result;
}
