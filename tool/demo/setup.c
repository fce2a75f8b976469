/* The demo until firmware 1.0.0 is on line: cloud, first boot, provisioning, registration. */
#include "tool/demo/demo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tool/demo/aws.h"
#include "tool/demo/screen.h"

bool demo_write_file(struct demo *demo, const char *name, const char *format, ...)
{
    FILE *file = fopen(world_path(&demo->world, name), "w");
    va_list args;
    if (file == NULL) {
        screen_error("cannot write %s", world_path(&demo->world, name));
        return false;
    }
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    return fclose(file) == 0;
}

bool demo_run(struct demo *demo, const char *const words[])
{
    char output[WORLD_PATH_MAX];
    struct child child;
    screen_command(words, "");
    snprintf(output, sizeof output, "%s", world_path(&demo->world, "command.out"));
    const struct child_io io = {.output = output, .directory = demo->world.folder};
    if (!child_start(&child, words[0], (char *const *)words, &io))
        return false;
    while (child_running(&child))
        world_pump(&demo->world, 5);
    if (child.exit_code == 0)
        return true;
    screen_error("that command ended with exit code %d; it said:", child.exit_code);
    FILE *file = fopen(output, "r");
    char line[512];
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        screen_result("%.*s", (int)strcspn(line, "\n"), line);
    if (file != NULL)
        fclose(file);
    return false;
}

bool demo_sign(struct demo *demo, const struct demo_image *image)
{
    struct demo_signing signing;
    demo_sign_words(&demo->world.board, image, &signing);
    return demo_run(demo, signing.words);
}

/* What a person would flash: bootloader and images in one HEX file. */
static bool merge(struct demo *demo, const char *image, const char *secure)
{
    const struct board_map *board = &demo->world.board;
    const char *bootloader = world_built(&demo->world, "firmware/bootloader.bin");
    char first[WORLD_PATH_MAX], second[WORLD_PATH_MAX], third[WORLD_PATH_MAX];
    const uint32_t base = board_map_address(board, &board->boot);
    const uint32_t bank = board->devices[board->boot.device].size / 2;
    snprintf(first, sizeof first, "%s@0x%x", bootloader, base);
    snprintf(second, sizeof second, "%s@0x%x", image, board_map_address(board, &board->primary));
    snprintf(third, sizeof third, "%s@0x%x", bootloader, base + bank);
    if (secure != NULL)
        snprintf(third, sizeof third, "%s@0x%x", secure,
                 board_map_address(board, &board->secure_primary));
    const char *words[] = {"./otter", "merge", "-o", "merged.hex", first, second,
                           /* a bootloader in front of each bank */
                           secure != NULL || board->update == UPDATE_BANK_SWAP ? third : NULL,
                           NULL};
    return demo_run(demo, words);
}

bool demo_cloud(struct demo *demo)
{
    screen_heading("The local cloud comes up");
    if (!world_start_cloud(&demo->world))
        return false;
    const char *words[] = {"iot", "describe-endpoint", "--endpoint-type", "iot:Data-ATS", NULL};
    json_t *reply = aws_run(&demo->world, words);
    if (reply == NULL)
        return false;
    snprintf(demo->endpoint, sizeof demo->endpoint, "%s", reply_text(reply, "endpointAddress"));
    json_decref(reply);
    screen_result("%s", demo->endpoint);
    demo_moment(demo, AT_CLOUD_UP);
    return demo->endpoint[0] != '\0';
}

bool demo_first_boot(struct demo *demo)
{
    const bool two_worlds = board_map_has_two_worlds(&demo->world.board);
    screen_heading("Firmware 1.0.0 is signed, put into a blank flash, and boots");
    const struct demo_image image = {.key = world_built(&demo->world, "keys/boot-signing.pem"),
                                     .version = "1.0.0+0",
                                     .payload = demo_program(demo, "1.0.0", SLOT_OF_PRIMARY),
                                     .name = "firmware-1.0.0.signed.bin",
                                     .slot = SLOT_OF_PRIMARY,
                                     .needs = two_worlds ? "(0, 1.0.0+0)" : NULL};
    const struct demo_image secure = {.key = image.key,
                                      .version = image.version,
                                      .payload = world_built(&demo->world, "firmware/secure.bin"),
                                      .name = "secure-1.0.0.signed.bin",
                                      .is_secure = true};
    if (!demo_sign(demo, &image) || (two_worlds && !demo_sign(demo, &secure)) ||
        !world_make_flash(&demo->world, image.name, two_worlds ? secure.name : NULL))
        return false;
    if (world_is_twin(&demo->world)) {
        if (!merge(demo, image.name, two_worlds ? secure.name : NULL))
            return false;
        screen_say("merged.hex is what a programmer writes to a %s. Power on: its twin",
                   demo->world.board.name);
    } else {
        screen_say("flash.img is made: blank, with this image in its primary slot. Power on: %s",
                   world_is_process(&demo->world) ? "the bootloader as a host process"
                                                  : "a Cortex-M33, emulated by QEMU");
    }
    if (!world_power_on(&demo->world) ||
        !world_expect(&demo->world, FROM_DEVICE, "not provisioned", 20, NULL))
        return false;
    demo_moment(demo, AT_BOOTED);
    return true;
}

static bool make_signer(struct demo *demo, const char *name)
{
    char key[32], certificate[32], public_key[32];
    snprintf(key, sizeof key, "%s.key", name);
    snprintf(certificate, sizeof certificate, "%s.crt", name);
    snprintf(public_key, sizeof public_key, "%s.pub", name);
    const char *make[] = {"openssl",
                          "req",
                          "-new",
                          "-x509",
                          "-newkey",
                          "ec",
                          "-pkeyopt",
                          "ec_paramgen_curve:P-256",
                          "-nodes",
                          "-days",
                          "365",
                          "-subj",
                          "/CN=test_signer",
                          "-addext",
                          "keyUsage=digitalSignature",
                          "-addext",
                          "extendedKeyUsage=codeSigning",
                          "-keyout",
                          key,
                          "-out",
                          certificate,
                          NULL};
    const char *publish[] = {"openssl", "pkey", "-in", key, "-pubout", "-out", public_key, NULL};
    return demo_run(demo, make) && demo_run(demo, publish);
}

/* The device repeats a setting when it has taken it, text in quotes, numbers without. */
static bool configure(struct demo *demo, const char *key, const char *value)
{
    char command[320], answer[320];
    const bool is_number = strcmp(key, "mqtt_port") == 0 || strcmp(key, "mqtt_version") == 0;
    const char *quote = is_number ? "" : "\"";
    snprintf(command, sizeof command, "conf set %s %s", key, value);
    snprintf(answer, sizeof answer, "%s=%s%s%s", key, quote, value, quote);
    return world_type(&demo->world, command) &&
           world_expect(&demo->world, FROM_DEVICE, answer, 5, NULL);
}

/* The device does not repeat a secret. */
static bool configure_wifi(struct demo *demo)
{
    return configure(demo, "wifi_ssid", WORLD_SSID) &&
           world_type(&demo->world, "conf set wifi_credential " WORLD_PASSWORD) &&
           world_expect(&demo->world, FROM_DEVICE, "wifi_credential=\"********\"", 5, NULL);
}

bool demo_provision(struct demo *demo)
{
    struct world *world = &demo->world;
    screen_heading("Provisioning, typed into the device's serial console");
    if (!make_signer(demo, "signer") ||
        (demo->fault == FAULT_SIGNATURE && !make_signer(demo, "wrong")))
        return false;
    const bool done =
        (!world_has_modem(world) || configure_wifi(demo)) && configure(demo, "thing_name", THING) &&
        configure(demo, "mqtt_endpoint", demo->endpoint) &&
        configure(demo, "mqtt_port", world_cloud_fact(world, "mqtt_port")) &&
        (demo->mqtt_version == NULL || configure(demo, "mqtt_version", demo->mqtt_version)) &&
        world_type(world, "conf commit") &&
        world_expect(world, FROM_DEVICE, "Configuration saved", 5, NULL) &&
        world_paste_pem(world, "pki import cert root_ca_cert", world_cloud_fact(world, "root_ca"),
                        "SUCCESS") &&
        world_paste_pem(world, "pki import key ota_signer_pub", world_path(world, "signer.pub"),
                        "SUCCESS") &&
        world_type(world, "pki generate key") &&
        world_expect(world, FROM_DEVICE, "-----END PUBLIC KEY-----", 20, NULL) &&
        world_capture_pem(world, "pki generate cert", world_path(world, "device.crt"));
    demo_moment(demo, AT_PROVISIONED);
    return done;
}

static const char device_policy[] =
    "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n"
    "    {\"Effect\": \"Allow\", \"Action\": \"iot:Connect\",\n"
    "     \"Resource\": \"arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}\"},\n"
    "    {\"Effect\": \"Allow\", \"Action\": [\"iot:Publish\", \"iot:Receive\"],\n"
    "     \"Resource\": "
    "\"arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*\"},\n"
    "    {\"Effect\": \"Allow\", \"Action\": \"iot:Subscribe\",\n"
    "     \"Resource\": "
    "\"arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*\"}\n  ]\n}\n";

/* Starts up to three calls side by side and waits for all; results[i] is NULL where one failed. */
static bool together(struct world *world, const char *const *const calls[], json_t *results[])
{
    struct aws_call running[3];
    unsigned count = 0;
    bool all = true;
    while (count < 3 && calls[count] != NULL && aws_begin(world, &running[count], calls[count]))
        count++;
    for (unsigned i = 0; i < count; i++) {
        results[i] = aws_end(world, &running[i]);
        all = all && results[i] != NULL;
    }
    return all;
}

static void forget(json_t *results[], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        json_decref(results[i]);
}

static bool attach(struct demo *demo, const char *certificate)
{
    const char *principal[] = {
        "iot", "attach-thing-principal", "--thing-name", THING, "--principal", certificate, NULL};
    const char *policy[] = {
        "iot", "attach-policy", "--policy-name", DEMO_POLICY, "--target", certificate, NULL};
    const char *const *const calls[] = {principal, policy, NULL};
    json_t *results[3] = {NULL};
    const bool done = together(&demo->world, calls, results);
    forget(results, 2);
    return done;
}

bool demo_register(struct demo *demo)
{
    screen_heading("Registration in the cloud, with the ordinary AWS CLI");
    if (!demo_write_file(demo, "policy.json", "%s", device_policy))
        return false;
    const char *thing[] = {"iot", "create-thing", "--thing-name", THING, NULL};
    const char *certificate[] = {"iot",
                                 "register-certificate-without-ca",
                                 "--status",
                                 "ACTIVE",
                                 "--certificate-pem",
                                 "file://device.crt",
                                 NULL};
    const char *policy[] = {"iot",       "create-policy",     "--policy-name",
                            DEMO_POLICY, "--policy-document", "file://policy.json",
                            NULL};
    const char *const *const calls[] = {thing, certificate, policy, NULL};
    json_t *results[3] = {NULL};
    bool done = together(&demo->world, calls, results);
    if (done) {
        screen_result("%s", reply_text(results[1], "certificateArn"));
        done = attach(demo, reply_text(results[1], "certificateArn"));
    }
    forget(results, 3);
    demo_moment(demo, AT_REGISTERED);
    return done;
}

bool demo_on_line(struct demo *demo)
{
    screen_heading("Version 1.0.0 on line");
    const bool done = world_type(&demo->world, "reset") &&
                      world_expect(&demo->world, FROM_DEVICE, "on line as " THING, 30, NULL);
    demo_moment(demo, AT_ON_LINE);
    return done;
}
