/* Makes the text for a device's first boot out of a script; see provision_section.h. */
#include "tool/provision_section.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crc32.h"
#include "firmware/provision_section.h"
#include "store/config.h"
#include "tool/bytes.h"
#include "tool/file.h"
#include "tool/hex_file.h"
#include "tool/image_view.h"

#define IMPORT "pki import "
#define SET    "conf set "

/* By `conf set`, since the last `conf commit`. */
struct staged {
    size_t count, size;
};

static bool begins(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* The PEM object of a file as lines, without what openssl writes around it. */
static otter_status put_pem(struct bytes *text, const char *path, struct failure *failure)
{
    struct bytes file = {0};
    otter_status status = file_read(path, &file, failure);
    if (status != OTTER_OK)
        return status;
    bytes_append(&file, "", 1);
    const char *from = strstr((char *)file.data, "-----BEGIN ");
    if (from != NULL && begins(from, "-----BEGIN EC PARAMETERS"))
        from = strstr(from + 1, "-----BEGIN ");
    const char *mark = from != NULL ? strstr(from, "-----END ") : NULL;
    if (mark == NULL)
        status = failed(failure, OTTER_E_MALFORMED, "'%.200s' holds no PEM text", path);
    for (; status == OTTER_OK && *from != '\0' && !(from > mark && *from == '\n'); from++) {
        if (*from != '\r')
            bytes_append(text, from, 1);
    }
    if (status == OTTER_OK)
        bytes_append(text, "\n", 1);
    bytes_free(&file);
    return status;
}

/* `pki import KIND LABEL < FILE`; a file's name counts from the script's folder. */
static otter_status put_import(struct bytes *text, const char *script, char *line,
                               struct failure *failure)
{
    char path[1024];
    char *from = strchr(line, '<');
    if (from == NULL)
        return failed(failure, OTTER_E_MALFORMED, "no '< FILE' in the line '%.100s'", line);
    const char *name = from + 1 + strspn(from + 1, " \t");
    const char *slash = strrchr(script, '/');
    const int folder = slash != NULL && *name != '/' ? (int)(slash + 1 - script) : 0;
    snprintf(path, sizeof path, "%.*s%s", folder, script, name);
    while (from > line && isspace((unsigned char)from[-1]))
        from--;
    *from = '\0';
    bytes_text(text, "%s\n", line);
    return put_pem(text, path, failure);
}

static otter_status put_line(struct bytes *text, const char *script, char *line,
                             struct failure *failure)
{
    if (begins(line, IMPORT))
        return put_import(text, script, line, failure);
    if (!begins(line, SET))
        return failed(failure, OTTER_E_ARGUMENT,
                      "'%.100s' is neither `conf set KEY VALUE` nor `pki import cert|key LABEL < "
                      "FILE`",
                      line);
    bytes_text(text, "%s\n", line);
    return OTTER_OK;
}

/* A device stages so much only; what it has got until then is committed before it takes more. */
static void commit_in_time(struct bytes *text, const char *line, struct staged *staged)
{
    if (!begins(line, SET))
        return;
    const size_t size = strlen(line + sizeof SET - 1);
    if (staged->count == KV_BATCH_MAX || staged->size + size > CONFIG_STAGE_SIZE) {
        bytes_text(text, "conf commit\n");
        *staged = (struct staged){0};
    }
    staged->count++;
    staged->size += size;
}

static otter_status read_script(struct bytes *text, const char *script, struct failure *failure)
{
    struct bytes file = {0};
    struct staged staged = {0};
    otter_status status = file_read(script, &file, failure);
    if (status != OTTER_OK)
        return status;
    bytes_append(&file, "", 1);
    char *rest = (char *)file.data;
    for (char *line; status == OTTER_OK && (line = strtok_r(rest, "\r\n", &rest)) != NULL;) {
        line += strspn(line, " \t");
        if (*line == '\0' || *line == '#' || strcmp(line, "conf commit") == 0)
            continue;
        commit_in_time(text, line, &staged);
        status = put_line(text, script, line, failure);
    }
    bytes_text(text, "conf commit\n");
    bytes_free(&file);
    if (status == OTTER_OK && text->size > PROVISION_SECTION_MAX)
        status = failed(failure, OTTER_E_TOO_LONG, "%s makes %zu bytes; a device takes %u", script,
                        text->size, PROVISION_SECTION_MAX);
    return status;
}

/* What lay behind the image is dropped, such as another section. */
static otter_status cut_behind(struct bytes *image, const char *path, struct failure *failure)
{
    struct image_view view;
    struct failure reason;
    if (image_view_open(&view, image->data, image->size, &reason) != OTTER_OK)
        return failed(failure, OTTER_E_MALFORMED, "'%.200s' is no signed image: %.200s", path,
                      reason.text);
    image->size = view.image.end;
    bytes_fill(image, 0xff, PROVISION_SECTION_AT(view.image.end) - view.image.end);
    return OTTER_OK;
}

otter_status provision_section_add(const char *image, const char *script, const char *out,
                                   struct failure *failure)
{
    struct bytes text = {0}, whole = {0};
    uint32_t address;
    otter_status status = hex_or_binary_read(image, 0xff, &whole, &address, failure);
    if (status == OTTER_OK)
        status = cut_behind(&whole, image, failure);
    if (status == OTTER_OK)
        status = read_script(&text, script, failure);
    if (status == OTTER_OK) {
        bytes_append(&whole, PROVISION_SECTION_MAGIC, 8);
        bytes_u32(&whole, (uint32_t)text.size);
        bytes_u32(&whole, crc32_update(0, text.data, text.size));
        bytes_append(&whole, text.data, text.size);
        status = file_write(out, whole.data, whole.size, 0600, failure);
    }
    bytes_free(&text);
    bytes_free(&whole);
    return status;
}
