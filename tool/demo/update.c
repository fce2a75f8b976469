/* The demo from the release of the new version to the end of its job. */
#include "tool/demo/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool/demo/aws.h"
#include "tool/demo/screen.h"

#define PROFILE "otter_demo"

static uint32_t file_size(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (uint32_t)info.st_size : 0;
}

/* One that never reaches the cloud can tell of its failure only through the old one. */
static const char *program_name(const struct demo *demo)
{
    if (demo->fault == FAULT_SELF_TEST)
        return demo_mode_of(demo->world.board.update)->has_way_back ? "1.0.1-deaf" : "1.0.1-unfit";
    return demo->fault == FAULT_VERSION ? "1.0.0" : "1.0.1";
}

/* The payload to ship: as built, or a copy filled up with bytes that do not matter. */
static const char *payload(struct demo *demo)
{
    char size[16];
    const char *built = demo_program(demo, program_name(demo), demo_release_slot(demo));
    if (demo->pad_kib == 0)
        return built;
    snprintf(size, sizeof size, "%uK", demo->pad_kib);
    const char *copy[] = {"cp", built, "padded.bin", NULL};
    const char *fill[] = {"truncate", "-s", size, "padded.bin", NULL};
    return demo_run(demo, copy) && demo_run(demo, fill) ? "padded.bin" : NULL;
}

/* A file of the release: its image, and what the bucket calls it. */
struct shipped {
    unsigned type; /* number of the image */
    char name[64];
    char version[128];
};

/* In two worlds the secure program comes with the firmware, and each needs the other one. */
#define SHIPPED_MAX 2u

static bool sign_one(struct demo *demo, const struct demo_image *image)
{
    if (image->payload == NULL || !demo_sign(demo, image))
        return false;
    const uint32_t size = file_size(world_path(&demo->world, image->name));
    screen_result("%s, %u bytes", image->name, size);
    demo->bytes_signed += size;
    return true;
}

static bool sign(struct demo *demo, struct shipped shipped[SHIPPED_MAX], unsigned *count)
{
    const bool two_worlds = board_map_has_two_worlds(&demo->world.board);
    char version[16], needs_secure[24], needs_firmware[24];
    snprintf(version, sizeof version, "%s+0", demo->new_version);
    snprintf(needs_secure, sizeof needs_secure, "(0, %s)", version);
    snprintf(needs_firmware, sizeof needs_firmware, "(1, %s)", version);
    snprintf(shipped[0].name, sizeof shipped[0].name, "firmware-%s.signed.bin", demo->new_version);
    snprintf(shipped[1].name, sizeof shipped[1].name, "secure-%s.signed.bin", demo->new_version);
    shipped[1].type = 1;
    const struct demo_image firmware = {.key = world_built(&demo->world, "keys/boot-signing.pem"),
                                        .version = version,
                                        .payload = payload(demo),
                                        .name = shipped[0].name,
                                        .slot = demo_release_slot(demo),
                                        .needs = two_worlds ? needs_secure : NULL};
    const struct demo_image secure = {
        .key = firmware.key,
        .version = version,
        .payload =
            world_built(&demo->world, demo->fault == FAULT_SECURE ? "firmware/secure-unfit.bin"
                                                                  : "firmware/secure.bin"),
        .name = shipped[1].name,
        .is_secure = true,
        .needs = needs_firmware};
    *count = two_worlds ? 2 : 1;
    return sign_one(demo, &firmware) && (!two_worlds || sign_one(demo, &secure));
}

static bool end_both(struct world *world, struct aws_call *first, struct aws_call *second)
{
    json_t *a = aws_end(world, first);
    json_t *b = aws_end(world, second);
    const bool done = a != NULL && b != NULL;
    json_decref(a);
    json_decref(b);
    return done;
}

static const char trust[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"
    "{\"Service\":\"iot.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}\n";

/* Certificate, bucket and role, then the profile: what is done once per product. */
static bool prepare_signing(struct demo *demo, char role[256])
{
    char certificate[48], key[48], material[256];
    struct world *const world = &demo->world;
    struct aws_call import, bucket, create_role, profile, versioning;
    snprintf(certificate, sizeof certificate, "fileb://%s.crt", demo->signer_certificate);
    snprintf(key, sizeof key, "fileb://%s.key", demo->signer_certificate);
    const char *import_words[] = {
        "acm", "import-certificate", "--certificate", certificate, "--private-key", key, NULL};
    const char *bucket_words[] = {"s3api", "create-bucket", "--bucket", DEMO_BUCKET, NULL};
    const char *role_words[] = {"iam",
                                "create-role",
                                "--role-name",
                                "otter-ota",
                                "--assume-role-policy-document",
                                "file://trust.json",
                                NULL};
    if (!demo_write_file(demo, "trust.json", "%s", trust) ||
        !aws_begin(world, &import, import_words) || !aws_begin(world, &bucket, bucket_words) ||
        !aws_begin(world, &create_role, role_words))
        return false;
    json_t *imported = aws_end(world, &import);
    json_t *created = aws_end(world, &bucket);
    json_t *roled = aws_end(world, &create_role);
    const bool done = imported != NULL && created != NULL && roled != NULL;
    snprintf(material, sizeof material, "certificateArn=%s",
             reply_text(imported, "CertificateArn"));
    snprintf(role, 256, "%s", reply_text(roled, "Role.Arn"));
    json_decref(imported);
    json_decref(created);
    json_decref(roled);
    const char *profile_words[] = {"signer",
                                   "put-signing-profile",
                                   "--profile-name",
                                   PROFILE,
                                   "--platform",
                                   "AmazonFreeRTOS-Default",
                                   "--signing-material",
                                   material,
                                   "--signing-parameters",
                                   "certname=ota_signer_pub",
                                   NULL};
    const char *versioning_words[] = {"s3api",     "put-bucket-versioning",      "--bucket",
                                      DEMO_BUCKET, "--versioning-configuration", "Status=Enabled",
                                      NULL};
    return done && aws_begin(world, &profile, profile_words) &&
           aws_begin(world, &versioning, versioning_words) &&
           end_both(world, &profile, &versioning);
}

static bool upload(struct demo *demo, const char *name, char version[128])
{
    const char *put[] = {"s3api", "put-object", "--bucket", DEMO_BUCKET, "--key",
                         name,    "--body",     name,       NULL};
    json_t *reply = aws_run(&demo->world, put);
    snprintf(version, 128, "%s", reply_text(reply, "VersionId"));
    json_decref(reply);
    return version[0] != '\0';
}

/* One file of the update, as create-ota-update has it. */
static bool write_file(const struct demo *demo, const struct shipped *shipped, char *text,
                       size_t size)
{
    const int length = snprintf(
        text, size,
        "{\n"
        "    \"fileName\": \"%s\", \"fileType\": %u, \"fileVersion\": \"%s\",\n"
        "    \"fileLocation\": {\"s3Location\": {\"bucket\": \"" DEMO_BUCKET
        "\", \"key\": \"%s\", \"version\": \"%s\"}},\n"
        "    \"codeSigning\": {\"startSigningJobParameter\": {\"signingProfileName\": \"" PROFILE
        "\",\n      \"destination\": {\"s3Destination\": {\"bucket\": \"" DEMO_BUCKET "\"}}}}\n"
        "  }",
        shipped->name, shipped->type, demo->new_version, shipped->name, shipped->version);
    return length > 0 && (size_t)length < size;
}

static bool write_update(struct demo *demo, const struct shipped shipped[SHIPPED_MAX],
                         unsigned count, const char *role)
{
    char files[SHIPPED_MAX][1024] = {""};
    for (unsigned i = 0; i < count; i++)
        if (!write_file(demo, &shipped[i], files[i], sizeof files[i]))
            return false;
    return demo_write_file(demo, "ota-update.json",
                           "{\n  \"otaUpdateId\": \"%s\",\n"
                           "  \"targets\": [\"arn:aws:iot:us-east-1:%s:thing/" THING "\"],\n"
                           "  \"targetSelection\": \"SNAPSHOT\",\n  \"files\": [%s%s%s],\n"
                           "  \"roleArn\": \"%s\"\n}\n",
                           demo->update_id, world_cloud_fact(&demo->world, "account"), files[0],
                           count > 1 ? ", " : "", files[1], role);
}

bool demo_release(struct demo *demo)
{
    struct shipped shipped[SHIPPED_MAX] = {{0}};
    unsigned count;
    char role[256];
    screen_heading("Version %s is signed and uploaded", demo->new_version);
    if (!sign(demo, shipped, &count) || !prepare_signing(demo, role))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (!upload(demo, shipped[i].name, shipped[i].version))
            return false;
    if (!write_update(demo, shipped, count, role))
        return false;
    demo_moment(demo, AT_RELEASED);
    return true;
}

static void see_block(struct demo *demo)
{
    if (demo->at[AT_DOWNLOAD_STARTED] == 0)
        demo_moment(demo, AT_DOWNLOAD_STARTED);
    const struct screen_progress progress = {demo->blocks, demo->blocks_total, demo->bytes,
                                             demo->bytes_total,
                                             seconds_now() - demo->at[AT_DOWNLOAD_STARTED]};
    screen_progress(&progress);
    if (demo->blocks != demo->blocks_total)
        return;
    demo->blocks_loaded += demo->blocks_total;
    demo_moment(demo, AT_DOWNLOADED);
}

/* Reads numbers out of text, whatever stands between them; false when there are fewer. */
static bool numbers(const char *text, uint32_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char *end;
        text += strcspn(text, "0123456789");
        if (*text == '\0')
            return false;
        values[i] = (uint32_t)strtoul(text, &end, 10);
        text = end;
    }
    return true;
}

/* The device's own clock is better than ours, which sees a line only when it has been read. */
static void see_block_time(struct demo *demo, const char *line)
{
    const char *level = strstr(line, "<INF>");
    uint32_t now_ms;
    if (level == NULL || !numbers(level, &now_ms, 1))
        return;
    if (demo->blocks <= 1)
        demo->first_block_ms = now_ms;
    demo->download_ms = now_ms > demo->first_block_ms ? now_ms - demo->first_block_ms : 0;
}

/* "block 3/40 (12288 of 163775 bytes)" */
static bool is_block(struct demo *demo, const char *line)
{
    uint32_t values[4];
    const char *block = strstr(line, "] block ");
    if (block == NULL || !numbers(block, values, 4))
        return false;
    demo->blocks = values[0];
    demo->blocks_total = values[1];
    demo->bytes = values[2];
    demo->bytes_total = values[3];
    return true;
}

static void see_device_line(struct demo *demo, const char *line)
{
    uint32_t swapped[2]; /* of how many bytes */
    demo->world.quiet_device = is_block(demo, line);
    if (demo->world.quiet_device) {
        see_block(demo);
        see_block_time(demo, line);
    }
    if (strstr(line, "going on at block") != NULL)
        demo->resumed = true;
    if (strstr(line, "image verified") != NULL)
        demo_moment(demo, AT_VERIFIED);
    const char *cut = strstr(line, demo_mode_of(demo->world.board.update)->cut_line);
    if (cut != NULL && (!numbers(cut, swapped, 2) || swapped[0] >= swapped[1] / 3))
        demo->swapping = true;
    if (strstr(line, "Otter firmware") != NULL)
        demo_moment(demo, AT_RESTARTED);
}

/* Follows device and cloud by their own words. */
static void see_line(void *ctx, enum source source, const char *line)
{
    struct demo *demo = ctx;
    if (source == FROM_DEVICE) {
        see_device_line(demo, line);
        return;
    }
    /* The bar shows it better. */
    demo->world.quiet_cloud = strstr(line, "\"phase\":\"download\"") != NULL && demo->blocks > 0;
    if (strstr(line, " reports AFR_OTA-") != NULL && strstr(line, " IN_PROGRESS ") == NULL)
        demo->job_ended = true;
}

static bool half_loaded(const void *ctx)
{
    const struct demo *demo = ctx;
    return demo->blocks_total > 0 && demo->blocks * 2 >= demo->blocks_total;
}

static bool resumed(const void *ctx)
{
    return ((const struct demo *)ctx)->resumed;
}

static bool swapping(const void *ctx)
{
    return ((const struct demo *)ctx)->swapping;
}

static bool job_ended(const void *ctx)
{
    return ((const struct demo *)ctx)->job_ended;
}

static bool cut_and_restore(struct demo *demo, const char *where)
{
    world_power_cut(&demo->world);
    screen_event("the power is cut, in the middle of %s", where);
    screen_event("the power is back");
    return world_power_on(&demo->world);
}

static bool cut_power_twice(struct demo *demo)
{
    struct world *const world = &demo->world;
    const struct demo_mode *mode = demo_mode_of(world->board.update);
    return world_wait(world, half_loaded, demo, 60, "half of the download") &&
           cut_and_restore(demo, "the download") &&
           world_wait(world, resumed, demo, 60, "the download going on where it was") &&
           world_wait(world, swapping, demo, 60, mode->cut_where) &&
           cut_and_restore(demo, mode->cut_where) &&
           world_expect(world, FROM_DEVICE, mode->goes_on_line, 60, NULL);
}

static json_t *describe(struct demo *demo, bool show)
{
    char job[80];
    snprintf(job, sizeof job, "AFR_OTA-%s", demo->update_id);
    const char *words[] = {"iot", "describe-job-execution", "--thing-name", THING, "--job-id", job,
                           NULL};
    return show ? aws_run(&demo->world, words) : aws_run_quietly(&demo->world, words);
}

static const char *expected_status(const struct demo *demo)
{
    switch (demo->fault) {
    case FAULT_SIGNATURE:
    case FAULT_SELF_TEST:
    case FAULT_SECURE:
        return "FAILED";
    case FAULT_VERSION:
        return "REJECTED";
    default:
        return "SUCCEEDED";
    }
}

bool demo_update(struct demo *demo)
{
    struct aws_call create;
    const char *words[] = {"iot", "create-ota-update", "--cli-input-json", "file://ota-update.json",
                           NULL};
    screen_heading("The update goes over the air");
    demo->world.on_line = see_line;
    demo->world.ctx = demo;
    /* The job may be under way before the CLI has printed its answer. */
    const bool begun = aws_begin(&demo->world, &create, words);
    const bool done = begun && (demo->fault != FAULT_POWER || cut_power_twice(demo)) &&
                      world_wait(&demo->world, job_ended, demo, 180, "the end of the job");
    demo->world.on_line = NULL;
    demo->world.quiet_device = false;
    demo->world.quiet_cloud = false;
    json_t *reply = begun ? aws_end(&demo->world, &create) : NULL;
    json_decref(reply);
    return done && reply != NULL;
}

static void read_execution(struct demo *demo, const json_t *reply)
{
    const json_t *details = json_object_get(
        json_object_get(json_object_get(reply, "execution"), "statusDetails"), "detailsMap");
    snprintf(demo->job_status, sizeof demo->job_status, "%s",
             reply_text(reply, "execution.status"));
    snprintf(demo->job_reason, sizeof demo->job_reason, "%s", reply_text(details, "reason"));
}

bool demo_verdict(struct demo *demo)
{
    const double end = seconds_now() + 20;
    screen_heading("What the cloud says");
    json_t *reply = describe(demo, true);
    for (;;) {
        if (reply == NULL)
            return false;
        read_execution(demo, reply);
        json_decref(reply);
        if (strcmp(demo->job_status, "QUEUED") != 0 && strcmp(demo->job_status, "IN_PROGRESS") != 0)
            break;
        if (seconds_now() > end)
            break;
        reply = describe(demo, false);
    }
    screen_result("status %s, reason \"%s\"", demo->job_status, demo->job_reason);
    demo_moment(demo, AT_END);
    if (strcmp(demo->job_status, expected_status(demo)) == 0)
        return true;
    screen_error("the job should have ended as %s", expected_status(demo));
    return false;
}

static bool secure_program_is(struct demo *demo, const char *version)
{
    char expected[64];
    snprintf(expected, sizeof expected, "secure     %s, ", version);
    return world_type(&demo->world, "secure") &&
           world_expect(&demo->world, FROM_DEVICE, expected, 30, NULL);
}

bool demo_still_works(struct demo *demo)
{
    const char *version = demo_ends_on_new(demo) ? demo->new_version : demo->old_version;
    char expected[64];
    snprintf(expected, sizeof expected, "Otter firmware %s", version);
    screen_say("and the device itself:");
    if (board_map_has_two_worlds(&demo->world.board) && !secure_program_is(demo, version))
        return false;
    return world_type(&demo->world, "version") &&
           world_expect(&demo->world, FROM_DEVICE, expected, 30, NULL) &&
           world_type(&demo->world, "stat") &&
           world_expect(&demo->world, FROM_DEVICE, "RAM ", 10, demo->memory) &&
           world_expect(&demo->world, FROM_DEVICE, "TLS arena", 10, demo->arena);
}
