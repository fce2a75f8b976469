/* What --keep says about the next release: the same steps as the demo's own, to be typed. */
#include <stdio.h>

#include "tool/demo/demo.h"
#include "tool/demo/screen.h"

static void show_update_file(const struct demo *demo)
{
    char line[256];
    FILE *file = fopen(world_path(&demo->world, "ota-update.json"), "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        for (char *end = line; *end != '\0'; end++)
            if (*end == '\n')
                *end = '\0';
        screen_result("%s", line);
    }
    if (file != NULL)
        fclose(file);
}

/* In two worlds the next secure program, which the next firmware needs and which needs it. */
static void show_secure(const struct demo *demo)
{
    struct demo_signing sign;
    demo_sign_words(&demo->world.board,
                    &(struct demo_image){.key = "board/keys/boot-signing.pem",
                                         .version = "1.0.2+0",
                                         .payload = "board/firmware/secure.bin",
                                         .name = "secure-1.0.2.signed.bin",
                                         .is_secure = true,
                                         .needs = "(1, 1.0.2+0)"},
                    &sign);
    screen_command(sign.words, "");
    screen_shell("secure=$(./otter aws s3api put-object --bucket " DEMO_BUCKET
                 " --key secure-1.0.2.signed.bin --body secure-1.0.2.signed.bin"
                 " --query VersionId --output text)");
}

void demo_next_release(const struct demo *demo)
{
    const bool two_worlds = board_map_has_two_worlds(&demo->world.board);
    struct demo_signing sign;
    const enum demo_slot slot = SLOT_OF_PRIMARY; /* the released one runs from the other one */
    demo_sign_words(&demo->world.board,
                    &(struct demo_image){.key = "board/keys/boot-signing.pem",
                                         .version = "1.0.2+0",
                                         .payload = demo_program(demo, "1.0.1", slot),
                                         .name = "firmware-1.0.2.signed.bin",
                                         .slot = slot,
                                         .needs = two_worlds ? "(0, 1.0.2+0)" : NULL},
                    &sign);
    const char *put = "version=$(./otter aws s3api put-object --bucket " DEMO_BUCKET
                      " --key firmware-1.0.2.signed.bin --body firmware-1.0.2.signed.bin"
                      " --query VersionId --output text)";
    const char *edit =
        "sed -e 's/1\\.0\\.1/1.0.2/g' -e s/otter-demo-1/otter-demo-2/"
        " -e \"/firmware-/s/\\\"version\\\": \\\"[^\\\"]*\\\"/\\\"version\\\": \\\"$version\\\"/\""
        " ota-update.json > next-update.json";
    const char *edit_secure = "sed -i -e \"/secure-/s/\\\"version\\\": "
                              "\\\"[^\\\"]*\\\"/\\\"version\\\": \\\"$secure\\\"/\""
                              " next-update.json";
    const char *create[] = {
        "./otter", "aws", "iot", "create-ota-update", "--cli-input-json", "file://next-update.json",
        NULL};
    const char *watch[] = {"./otter",
                           "aws",
                           "iot",
                           "describe-job-execution",
                           "--thing-name",
                           THING,
                           "--job-id",
                           "AFR_OTA-otter-demo-2",
                           NULL};
    screen_heading("Release 1.0.2 yourself");
    screen_say("ota-update.json says what is shipped, to whom, and who signs it:");
    show_update_file(demo);
    screen_say("The next one, from the same program with a new version:");
    screen_command(sign.words, "");
    screen_shell(put);
    if (two_worlds)
        show_secure(demo);
    screen_shell(edit);
    if (two_worlds)
        screen_shell(edit_secure);
    screen_command(create, "");
    screen_command(watch, "");
}
