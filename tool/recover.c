/* otter recover: fills a board over its serial console. */
#include <stdio.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/console_port.h"
#include "tool/hex_file.h"
#include "tool/image_view.h"
#include "tool/recover_progress.h"
#include "tool/smp_client.h"
#include "tool/values.h"

enum { OPTION_LIST = 256, OPTION_ECHO, OPTION_RESET, OPTION_NO_RESET, OPTION_FORCE };

static const struct option options[] = {
    {'s', "slot", "N",
     "slot to fill: 1 primary (default), 2 secondary, 3 and 4 those of a second image"},
    {'b', "baud", "RATE", "rate of a serial port; default 115200"},
    {'t', "timeout", "SECONDS", "how long to wait for an answer of the board; default 20"},
    {OPTION_LIST, "list", NULL, "list the valid images on the board, after the upload if any"},
    {OPTION_ECHO, "echo", NULL, "only check the line: send a text and wait for it to come back"},
    {OPTION_RESET, "reset", NULL, "reset the board at the end; what happens after an upload"},
    {OPTION_NO_RESET, "no-reset", NULL, "stay in recovery after the upload"},
    {OPTION_FORCE, "force", NULL, "upload IMAGE even if no bootloader could start it"},
    {0},
};

static const struct usage usage = {
    .command = "recover",
    .operands = "[OPTION]... PORT [IMAGE]",
    .summary =
        "Fills a board over its console, when its bootloader has found nothing to start or is\n"
        "asked as it starts: uploads the signed IMAGE (Intel HEX if its name ends in .hex), lists\n"
        "what the board finds valid, and resets it. Speaks SMP, as MCUboot's serial recovery.\n"
        "PORT is a serial port, a pseudo-terminal, unix:PATH or tcp:HOST:PORT (emulators).",
    .options = options,
    .examples = "  otter recover /dev/ttyACM0 firmware-1.0.0.signed.bin\n"
                "  otter recover unix:serial.sock firmware-1.0.0.signed.bin --no-reset\n"
                "  otter recover --list /dev/ttyUSB0\n"
                "  otter recover --echo --baud 921600 tcp:localhost:4321\n"
                "\nExit codes: 0 done, 1 failed (the reason is on stderr), 2 wrong usage.\n",
};

struct job {
    const char *port;
    const char *image;
    uint32_t slot;
    uint32_t baud;
    uint32_t timeout_s;
    bool list, echo, reset, no_reset, force;
};

/* What is known of the image to upload. */
struct upload {
    struct bytes content;
    uint32_t image_end; /* of its last TLV; 0: not an image */
    bool has_hash;
    uint8_t hash[IMAGE_HASH_SIZE];
};

/* ---- Command line ---------------------------------------------------------------------------- */

static int take_number(const char *text, const char *name, uint32_t least, uint32_t most,
                       uint32_t *number)
{
    if (value_number(text, most, number) && *number >= least)
        return ARGUMENTS_END;
    usage_wrong(&usage, "--%s is a number from %u to %u, not '%s'", name, least, most, text);
    return ARGUMENTS_WRONG;
}

static int take_operand(struct job *job, const char *word)
{
    if (job->port == NULL) {
        job->port = word;
    } else if (job->image == NULL) {
        job->image = word;
    } else {
        usage_wrong(&usage, "one port and one image: what is '%s' for?", word);
        return ARGUMENTS_WRONG;
    }
    return ARGUMENTS_END;
}

/* One option or operand; ARGUMENTS_END when it is fine. */
static int take_argument(struct job *job, const struct arguments *arguments, int got)
{
    switch (got) {
    case 's':
        return take_number(arguments->value, "slot", 0, 2 * SMP_SLOTS_MAX, &job->slot);
    case 'b':
        return take_number(arguments->value, "baud", 1, 4000000, &job->baud);
    case 't':
        return take_number(arguments->value, "timeout", 1, 3600, &job->timeout_s);
    case OPTION_LIST:
        job->list = true;
        return ARGUMENTS_END;
    case OPTION_ECHO:
        job->echo = true;
        return ARGUMENTS_END;
    case OPTION_RESET:
        job->reset = true;
        return ARGUMENTS_END;
    case OPTION_NO_RESET:
        job->no_reset = true;
        return ARGUMENTS_END;
    case OPTION_FORCE:
        job->force = true;
        return ARGUMENTS_END;
    case ARGUMENTS_OPERAND:
        return take_operand(job, arguments->value);
    default:
        return got;
    }
}

static int read_arguments(struct job *job, int argc, char **argv)
{
    struct arguments arguments;
    int got;
    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        got = take_argument(job, &arguments, got);
        if (got != ARGUMENTS_END)
            return got;
    }
    return ARGUMENTS_END;
}

/* ---- The image, before it goes anywhere ------------------------------------------------------ */

static otter_status check_image(const char *path, struct upload *upload, struct failure *failure)
{
    struct image_view view;
    struct image_verdict verdict = {0};
    struct image_tlv tlv;
    struct failure reason;
    otter_status status =
        image_view_open(&view, upload->content.data, upload->content.size, &reason);
    if (status == OTTER_OK)
        status = image_view_startable(&view, &reason);
    if (status != OTTER_OK)
        return failed(
            failure, status,
            "'%s' is not an image that a bootloader starts (%.200s). Make one with `otter "
            "sign`, or give --force to upload it all the same",
            path, reason.text);
    upload->image_end = view.image.end;
    upload->has_hash = image_tlv_find(&view.image, IMAGE_TLV_SHA256, &tlv) == 1 &&
                       image_tlv_read(&view.image, &tlv, upload->hash, IMAGE_HASH_SIZE) == OTTER_OK;
    status = image_view_check(&view, NULL, NULL, &verdict, &reason);
    image_verdict_free(&verdict);
    if (status != OTTER_OK && status != OTTER_E_KEY) /* encrypted: only the board can tell */
        return failed(failure, status,
                      "'%s' is damaged (%.200s). Sign the program again with `otter sign`", path,
                      reason.text);
    if (!image_view_is_signed(&view))
        return failed(failure, OTTER_E_SIGNATURE,
                      "'%s' is not signed, so no bootloader starts it. Sign it with `otter sign "
                      "--key`, or give --force to upload it all the same",
                      path);
    return OTTER_OK;
}

static otter_status load_image(const struct job *job, struct upload *upload,
                               struct failure *failure)
{
    uint32_t address;
    otter_status status = hex_or_binary_read(job->image, 0xff, &upload->content, &address, failure);
    if (status == OTTER_OK && upload->content.size == 0)
        return failed(failure, OTTER_E_MALFORMED, "'%s' is empty", job->image);
    if (status == OTTER_OK)
        status = check_image(job->image, upload, failure);
    return status != OTTER_OK && job->force && upload->content.size > 0 ? OTTER_OK : status;
}

/* Boards that tell their slots are asked before anything is erased. */
static otter_status check_room(const struct job *job, struct smp_client *client,
                               const struct upload *upload, struct failure *failure)
{
    struct smp_slot slots[SMP_SLOTS_MAX];
    const uint32_t number = job->slot == 0 ? 1 : job->slot;
    const int count = smp_slots(client, slots, failure);
    if (count <= 0)
        return (otter_status)count;
    for (int i = 0; i < count; i++) {
        if (slots[i].number != number)
            continue;
        if (slots[i].size != 0 && upload->content.size > slots[i].size)
            return failed(failure, OTTER_E_TOO_LONG,
                          "'%s' has %zu bytes, %zu more than slot %u of the board", job->image,
                          upload->content.size, upload->content.size - slots[i].size, number);
        if (slots[i].image_size_max != 0 && upload->image_end > slots[i].image_size_max)
            return failed(failure, OTTER_E_TOO_LONG,
                          "'%s' ends at byte %u, but the bootloader needs all from byte %u of the "
                          "slot for its trailer: %u bytes too many",
                          job->image, upload->image_end, slots[i].image_size_max,
                          upload->image_end - slots[i].image_size_max);
        return OTTER_OK;
    }
    return failed(failure, OTTER_E_NOT_FOUND, "the board has no slot %u; it has %d", number, count);
}

/* ---- What is done with the board ------------------------------------------------------------- */

static void print_images(const struct smp_image *images, int count)
{
    printf(count > 0 ? "Valid images on the board:\n  slot  %-14s %-30s hash\n"
                     : "No valid image is on the board.\n",
           "version", "state");
    for (int i = 0; i < count; i++) {
        const struct smp_image *image = &images[i];
        printf("  %-4u  %-14s %-30s ", image->image * 2 + image->slot + 1, image->version,
               image->flags);
        for (unsigned b = 0; image->has_hash && b < 8; b++)
            printf("%02x", image->hash[b]);
        printf(image->has_hash ? "...\n" : "-\n");
    }
}

/* Does the board list what was uploaded? */
static bool is_listed(const struct job *job, const struct upload *upload,
                      const struct smp_image *images, int count)
{
    const uint32_t index = job->slot == 0 ? 0 : job->slot - 1;
    for (int i = 0; i < count; i++) {
        if (images[i].image == index / 2 && images[i].slot == index % 2)
            return !images[i].has_hash || !upload->has_hash ||
                   memcmp(images[i].hash, upload->hash, IMAGE_HASH_SIZE) == 0;
    }
    return false;
}

static otter_status show_images(const struct job *job, struct smp_client *client,
                                const struct upload *upload, struct failure *failure)
{
    struct smp_image images[SMP_SLOTS_MAX];
    const int count = smp_images(client, images, failure);
    if (count < 0)
        return (otter_status)count;
    print_images(images, count);
    if (job->image != NULL && !is_listed(job, upload, images, count))
        return failed(failure, OTTER_E_SIGNATURE,
                      "the board has stored '%s' but does not find it valid: is it signed with the "
                      "key that this bootloader trusts? It was not reset and waits for another "
                      "upload",
                      job->image);
    return OTTER_OK;
}

static otter_status send_image(const struct job *job, struct smp_client *client,
                               const struct upload *upload, struct failure *failure)
{
    struct recover_progress progress;
    const struct smp_upload request = {.data = upload->content.data,
                                       .size = (uint32_t)upload->content.size,
                                       .number = job->slot,
                                       .progress = recover_progress_show,
                                       .ctx = &progress};
    otter_status status = check_room(job, client, upload, failure);
    if (status != OTTER_OK)
        return status;
    printf("Uploading %s, %zu bytes\n", job->image, upload->content.size);
    recover_progress_start(&progress, request.size);
    status = smp_upload(client, &request, failure);
    recover_progress_end(&progress);
    if (status == OTTER_OK)
        printf("Uploaded in %.1f s.\n", recover_progress_seconds(&progress));
    return status;
}

static otter_status check_line(struct smp_client *client, struct failure *failure)
{
    const otter_status status = smp_echo(client, "Otter hears the board.", failure);
    if (status == OTTER_OK)
        printf("The board answers; it takes frames of %zu bytes.\n", client->device_frame_max);
    return status;
}

static otter_status reset_board(struct smp_client *client, struct failure *failure)
{
    const otter_status status = smp_reset(client, failure);
    if (status == OTTER_OK)
        printf("The board resets, and starts what it finds valid.\n");
    return status;
}

static void say_waiting(void)
{
    printf("No answer yet: waiting. Switch the board on, or reset it.\n");
    fflush(stdout);
}

static otter_status work(const struct job *job, struct smp_client *client,
                         const struct upload *upload, struct failure *failure)
{
    otter_status status = smp_connect(client, say_waiting, failure);
    if (status == OTTER_OK && job->echo)
        status = check_line(client, failure);
    if (status == OTTER_OK && job->image != NULL)
        status = send_image(job, client, upload, failure);
    if (status == OTTER_OK && (job->image != NULL || job->list))
        status = show_images(job, client, upload, failure);
    if (status == OTTER_OK && (job->reset || (job->image != NULL && !job->no_reset)))
        status = reset_board(client, failure);
    return status;
}

static otter_status recover(const struct job *job, struct failure *failure)
{
    struct upload upload = {0};
    struct console_port port;
    struct smp_client client;
    otter_status status = OTTER_OK;
    if (job->image != NULL)
        status = load_image(job, &upload, failure);
    if (status == OTTER_OK)
        status = console_port_open(&port, job->port, job->baud, failure);
    if (status == OTTER_OK) {
        const struct smp_line line = {console_port_send, console_port_receive, console_port_now,
                                      &port};
        smp_client_init(&client, &line, job->timeout_s * 1000);
        status = work(job, &client, &upload, failure);
        console_port_close(&port);
    }
    bytes_free(&upload.content);
    return status;
}

int command_recover(int argc, char **argv)
{
    struct job job = {.baud = 115200, .timeout_s = 20};
    struct failure failure;
    const int got = read_arguments(&job, argc, argv);
    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    if (job.port == NULL)
        return usage_wrong(&usage, "on which port is the board?");
    if (job.image == NULL && !job.list && !job.echo && !job.reset)
        return usage_wrong(&usage, "which image? Without one: --list, --echo or --reset");
    if (job.reset && job.no_reset)
        return usage_wrong(&usage, "--reset and --no-reset exclude each other");
    if (recover(&job, &failure) == OTTER_OK)
        return 0;
    return failure_print(&failure, usage.command);
}
