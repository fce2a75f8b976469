/* What `otter inspect` finds out about an image, and how it shows it. */
#ifndef OTTER_TOOL_INSPECT_H
#define OTTER_TOOL_INSPECT_H

#include <jansson.h>

#include "image/trailer.h"
#include "tool/image_view.h"

enum check_result { CHECKED_GOOD, CHECKED_BAD, NOT_CHECKED };

struct inspection {
    /* To fill in. */
    uint8_t *data; /* from the header on: a file, or a slot */
    uint32_t size;
    uint32_t slot_size; /* 0: the data are a file that need not fill a slot */
    uint32_t max_align; /* of the trailer; 0: told by the magic, if there is one */
    const struct key *key;
    const struct key *decrypt_key;
    /* Found by inspection_run. */
    bool has_image; /* header and TLV areas could be read; else `failure` says why */
    struct image_view view;
    struct image_verdict verdict;
    enum check_result hash;
    enum check_result signature;
    struct failure failure; /* also says why hash or signature are not good */
    bool has_trailer;
    struct trailer trailer;
};

void inspection_run(struct inspection *inspection);

/* The table, each line behind `indent`. */
void inspection_print(const struct inspection *inspection, const char *indent);

/* The same as a new JSON object. */
json_t *inspection_json(const struct inspection *inspection);

/* Something is wrong with the image, not only unknown. */
bool inspection_is_bad(const struct inspection *inspection);

void inspection_free(struct inspection *inspection);

/* "test swap", for people; "test", for programs. */
const char *swap_type_name(enum swap_type type);
const char *swap_type_word(enum swap_type type);

void trailer_print(const struct trailer *trailer, const char *indent);
json_t *trailer_json(const struct trailer *trailer, uint32_t max_align);

/* A whole flash file of a board; returns the exit code. */
struct inspect_request {
    const char *file;
    const char *board;
    const struct key *key;
    const struct key *decrypt_key;
    uint32_t slot_size;
    uint32_t max_align;
    bool json;
};
otter_status inspect_flash(const struct inspect_request *request, struct bytes *content,
                           struct failure *failure);

void json_print(json_t *value);

#endif
