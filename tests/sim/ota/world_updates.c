/* Jobs for updates, as create-ota-update makes them. */
#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "tests/sim/ota/world_internal.h"

/* As long as a presigned one; no two files have the same. */
static const char *address_of(const char *id, unsigned file)
{
    static char member[HTTP_SERVER_URL_MAX + 40];
    char padding[HTTP_SERVER_URL_MAX - 100];
    memset(padding, 'a', sizeof padding - 1);
    padding[sizeof padding - 1] = '\0';
    snprintf(member, sizeof member,
             "\"update_data_url\":\"https://files/%s/%u?X-Amz-Signature=%s\",", id, file, padding);
    return member;
}

void world_add_update_with(struct world *world, const char *id, const struct world_image *image,
                           const char *piece, const char *instead)
{
    char signature[BASE64_LENGTH(72) + 1];
    const bool by_stream = !world->trouble.by_range || world->trouble.either;
    const bool by_range = world->trouble.by_range || world->trouble.either;
    char stream[65];
    char named[90];
    char document[2048];
    char changed[4096];
    world_must(
        base64_encode(signature, sizeof signature, image->signature, image->signature_length) > 0,
        "signature too long");
    snprintf(stream, sizeof stream, "AFR_OTA-stream-%.40s", id);
    snprintf(named, sizeof named, "\"streamname\":\"%s\",", stream);
    snprintf(document, sizeof document,
             "{\"afr_ota\":{\"protocols\":[%s],%s\"files\":[{%s"
             "\"filepath\":\"fw.bin\",\"filesize\":%u,\"fileid\":0,\"certfile\":\"ota_signer_pub\","
             "\"fileType\":0,\"sig-sha256-ecdsa\":\"%s\"}]}}",
             !by_range   ? "\"MQTT\""
             : by_stream ? "\"HTTP\",\"MQTT\""
                         : "\"HTTP\"",
             by_stream ? named : "", by_range ? address_of(id, 0) : "", (unsigned)image->size,
             signature);
    const char *at = strstr(document, piece);
    world_must(at != NULL, "nothing to replace in the document");
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - document), document, instead,
             at + strlen(piece));
    sim_cloud_create(&world->cloud, id, changed, stream, image->bytes, image->size);
}

void world_add_update(struct world *world, const char *id, const struct world_image *image)
{
    world_add_update_with(world, id, image, "", "");
}

void world_add_pair(struct world *world, const char *id, const struct world_image *first,
                    const struct world_image *second)
{
    char signature[BASE64_LENGTH(72) + 1];
    char file[HTTP_SERVER_URL_MAX + 400];
    const bool by_range = world->trouble.by_range || world->trouble.either;
    world_must(
        base64_encode(signature, sizeof signature, second->signature, second->signature_length) > 0,
        "signature too long");
    snprintf(file, sizeof file,
             "\"files\":[{%s\"filepath\":\"s.bin\",\"filesize\":%u,\"fileid\":1,\"fileType\":1,"
             "\"certfile\":\"ota_signer_pub\",\"sig-sha256-ecdsa\":\"%s\"},{",
             by_range ? address_of(id, 1) : "", (unsigned)second->size, signature);
    world->second = world->cloud.second = second->bytes;
    world->second_size = world->cloud.second_size = second->size;
    world_add_update_with(world, id, first, "\"files\":[{", file);
}
