/* otter provision: gives a device its identity over its serial console, and registers it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/provision_cloud.h"
#include "tool/provision_device.h"
#include "tool/provision_section.h"
#include "tool/values.h"

#define DIR_DEFAULT    "otter-cloud"
#define POLICY_DEFAULT "otter-device"
/* Debian's ca-certificates has it; AWS's data endpoints chain up to it. */
#define AMAZON_ROOT "/etc/ssl/certs/Amazon_Root_CA_1.pem"
#define PEM_MAX     8192u
#define SETS_MAX    16u

enum {
    OPTION_DIR = 256,
    OPTION_ENDPOINT,
    OPTION_PROFILE,
    OPTION_REGION,
    OPTION_POLICY,
    OPTION_ISSUER,
    OPTION_ROOT,
    OPTION_SIGNER,
    OPTION_SSID,
    OPTION_CREDENTIAL,
    OPTION_SET,
    OPTION_NEW_KEY,
    OPTION_NO_SEAL,
    OPTION_TIMEOUT,
    OPTION_QUIET,
    OPTION_TO_IMAGE,
    OPTION_FROM
};

static const struct option options[] = {
    {'p', "port", "PORT",
     "the device's console: a serial port, a pseudo-terminal, unix:PATH, tcp:HOST:PORT"},
    {'b', "baud", "RATE", "rate of a serial port; default 115200"},
    {'t', "thing", "NAME",
     "what the cloud is to call it; default: the device's thing_name, or a random name"},
    {OPTION_DIR, "dir", "DIR", "the local cloud that runs in DIR; default " DIR_DEFAULT},
    {OPTION_PROFILE, "profile", "NAME", "real AWS, with this profile of the AWS CLI (\"default\")"},
    {OPTION_REGION, "region", "NAME", "of AWS, if not the profile's"},
    {OPTION_ENDPOINT, "endpoint", "HOST[:PORT]",
     "where the device is to connect, if not what the cloud says"},
    {OPTION_ISSUER, "cert-issuer", "aws|self",
     "certificate by AWS IoT for the device's request (default), or self-signed"},
    {OPTION_NEW_KEY, "new-key", NULL,
     "a new key and certificate even if those on the device are good"},
    {OPTION_NO_SEAL, "no-seal", NULL,
     "leave a device whose keys lie in a secure world open: keys can go on to be imported"},
    {OPTION_POLICY, "policy", "NAME",
     "policy to attach, made if there is none; default " POLICY_DEFAULT},
    {OPTION_ROOT, "root-ca", "FILE",
     "root certificate (PEM); default: the local cloud's, or Amazon Root CA 1"},
    {OPTION_SIGNER, "signer", "FILE",
     "certificate or public key (PEM) of whoever signs updates: ota_signer_pub"},
    {OPTION_SSID, "wifi-ssid", "NAME", "wireless network"},
    {OPTION_CREDENTIAL, "wifi-credential", "TEXT", "its passphrase; - asks for it at the terminal"},
    {OPTION_SET, "set", "KEY=VALUE", "one more setting; may come several times"},
    {'i', "interactive", NULL, "ask for each setting; Enter keeps what stands in brackets"},
    {OPTION_TIMEOUT, "timeout", "SECONDS",
     "how long to wait until it is on line; default 60, 0: do not"},
    {'q', "quiet", NULL, "only the last line, and errors"},
    {OPTION_TO_IMAGE, "to-image", "IMAGE",
     "for development, instead of a device: the signed IMAGE with settings, keys and certificates\n"
     "                                for its first boot behind it; with --from and --output"},
    {OPTION_FROM, "from", "FILE",
     "what a person would type: conf set KEY VALUE, pki import cert|key LABEL < FILE"},
    {'o', "output", "FILE", "the image that --to-image makes"},
    {0},
};

static const struct usage usage = {
    .command = "provision",
    .operands = "--port PORT [OPTION]...",
    .summary = "Gives a device its identity over its serial console: settings, a key that it makes "
               "and keeps, a\n"
               "certificate for it, the root certificate. Registers thing, certificate and policy "
               "with the\n"
               "local cloud or with AWS, by the AWS CLI, and waits until the device is on line. "
               "Nothing is\n"
               "written to the device before the login worked. Run again it changes only what is "
               "not right yet.\n"
               "A device whose keys lie in a secure world is sealed: it goes on to make keys, and "
               "takes none\n"
               "from outside any more.",
    .options = options,
    .examples =
        "  otter provision --port /dev/ttyACM0 --thing lamp\n"
        "  otter provision --port /dev/ttyACM0 --thing lamp --profile default --region "
        "eu-west-1 \\\n"
        "      --wifi-ssid workshop --wifi-credential - --signer signer.crt\n"
        "  otter provision --port /dev/ttyUSB0 --interactive --cert-issuer self\n"
        "  otter provision --port unix:serial.sock --dir /tmp/cloud --thing lamp --new-key "
        "--quiet\n"
        "  otter provision --to-image firmware-1.0.0.signed.bin --from lamp.conf -o lamp.bin\n"
        "\nExit codes: 0 the device is on line (or provisioned, with --timeout 0), 1 "
        "failed (the reason is\n"
        "on stderr; run again when it is mended), 2 wrong usage.\n",
};

struct job {
    const char *port, *endpoint, *root_ca, *signer, *policy;
    const char *image, *script, *output; /* of --to-image */
    struct {
        char name[DEVICE_NAME_MAX];
        char value[DEVICE_VALUE_MAX];
    } sets[SETS_MAX];
    unsigned set_count;
    unsigned given_count; /* of them the first ones, by options */
    uint32_t baud, timeout_s;
    bool self, new_key, no_seal, interactive, quiet, dir_given, ask_credential;
    struct provision_cloud cloud;
    struct provision_endpoint place;
    struct device device;
    struct device_settings before;
    char name[DEVICE_VALUE_MAX]; /* of the thing */
    char arn[CLOUD_ARN_MAX];
    char old_arn[CLOUD_ARN_MAX]; /* of a certificate that is replaced; "" : none */
    struct failure failure;
};

/* ---- Command line ---------------------------------------------------------------------------- */

static int wrong(const char *format, const char *what)
{
    usage_wrong(&usage, format, what);
    return ARGUMENTS_WRONG;
}

/* A later one for the same setting counts. */
static int put_set(struct job *job, const char *name, size_t length, const char *value)
{
    if (length == 0 || length >= DEVICE_NAME_MAX || strlen(value) >= DEVICE_VALUE_MAX)
        return wrong("a setting is KEY=VALUE of at most 31 and 159 characters, not '%s'", name);
    unsigned i = 0;
    while (i < job->set_count &&
           (strncmp(job->sets[i].name, name, length) != 0 || job->sets[i].name[length] != '\0'))
        i++;
    if (i == SETS_MAX)
        return wrong("too many settings: '%s' has no room", name);
    if (i == job->set_count)
        job->set_count++;
    snprintf(job->sets[i].name, sizeof job->sets[i].name, "%.*s", (int)length, name);
    snprintf(job->sets[i].value, sizeof job->sets[i].value, "%s", value);
    return ARGUMENTS_END;
}

static int take_set(struct job *job, const char *text)
{
    const char *sign = strchr(text, '=');
    if (sign == NULL)
        return wrong("--set takes KEY=VALUE, not '%s'", text);
    return put_set(job, text, (size_t)(sign - text), sign + 1);
}

static int take_number(const char *text, uint32_t most, uint32_t *number)
{
    return value_number(text, most, number) ? ARGUMENTS_END
                                            : wrong("'%s' is not a number that fits here", text);
}

static int take_issuer(struct job *job, const char *text)
{
    job->self = strcmp(text, "self") == 0;
    return job->self || strcmp(text, "aws") == 0
               ? ARGUMENTS_END
               : wrong("--cert-issuer is aws or self, not '%s'", text);
}

static int take_option(struct job *job, int got, const char *value)
{
    switch (got) {
    case 'p':
        job->port = value;
        return ARGUMENTS_END;
    case 'b':
        return take_number(value, 4000000, &job->baud);
    case 't':
        return put_set(job, "thing_name", 10, value);
    case 'i':
        job->interactive = true;
        return ARGUMENTS_END;
    case 'q':
        job->quiet = job->cloud.quiet = true;
        return ARGUMENTS_END;
    case OPTION_DIR:
        job->cloud.dir = value;
        job->dir_given = true;
        return ARGUMENTS_END;
    case OPTION_PROFILE:
        job->cloud.profile = value;
        return ARGUMENTS_END;
    case OPTION_REGION:
        job->cloud.region = value;
        return ARGUMENTS_END;
    case OPTION_ENDPOINT:
        job->endpoint = value;
        return ARGUMENTS_END;
    case OPTION_POLICY:
        job->policy = value;
        return ARGUMENTS_END;
    case OPTION_ISSUER:
        return take_issuer(job, value);
    case OPTION_ROOT:
        job->root_ca = value;
        return ARGUMENTS_END;
    case OPTION_SIGNER:
        job->signer = value;
        return ARGUMENTS_END;
    case OPTION_SSID:
        return put_set(job, "wifi_ssid", 9, value);
    case OPTION_CREDENTIAL:
        job->ask_credential = strcmp(value, "-") == 0;
        return job->ask_credential ? ARGUMENTS_END : put_set(job, "wifi_credential", 15, value);
    case OPTION_SET:
        return take_set(job, value);
    case OPTION_NEW_KEY:
        job->new_key = true;
        return ARGUMENTS_END;
    case OPTION_NO_SEAL:
        job->no_seal = true;
        return ARGUMENTS_END;
    case OPTION_TO_IMAGE:
        job->image = value;
        return ARGUMENTS_END;
    case OPTION_FROM:
        job->script = value;
        return ARGUMENTS_END;
    case 'o':
        job->output = value;
        return ARGUMENTS_END;
    case OPTION_TIMEOUT:
        return take_number(value, 86400, &job->timeout_s);
    default:
        return got;
    }
}

/* The exit code, or -1 to go on. */
static int read_arguments(struct job *job, int argc, char **argv)
{
    struct arguments arguments;
    int got;
    arguments_start(&arguments, &usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_HELP)
            return 0;
        if (got == ARGUMENTS_OPERAND)
            return usage_wrong(&usage, "what is '%s' for?", arguments.value);
        if (got == ARGUMENTS_WRONG || take_option(job, got, arguments.value) == ARGUMENTS_WRONG)
            return 2;
    }
    if ((job->image != NULL) != (job->script != NULL) ||
        (job->image != NULL) != (job->output != NULL))
        return usage_wrong(&usage, "--to-image IMAGE, --from FILE and --output FILE go together");
    if (job->image != NULL)
        return -1;
    if (job->port == NULL)
        return usage_wrong(&usage, "which device? --port PORT names its console");
    if (job->cloud.profile == NULL && job->cloud.region != NULL)
        return usage_wrong(&usage, "--region is for AWS: name a --profile too");
    if (job->cloud.profile != NULL && job->dir_given)
        return usage_wrong(&usage, "--dir is the local cloud, --profile is AWS: which?");
    if (job->cloud.profile != NULL)
        job->cloud.dir = NULL;
    job->given_count = job->set_count;
    return -1;
}

/* ---- Asking a person ------------------------------------------------------------------------- */

/* A line from the terminal, without its end; false at the end of input. */
static bool ask(const char *name, const char *present, bool secret, char *line, size_t size)
{
    struct termios mode, silent;
    const bool hide = secret && tcgetattr(STDIN_FILENO, &mode) == 0;
    printf("%s[%s]: ", name, present);
    fflush(stdout);
    if (hide) {
        silent = mode;
        silent.c_lflag &= (tcflag_t)~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    const bool got = fgets(line, (int)size, stdin) != NULL;
    if (hide) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &mode);
        printf("\n");
    }
    if (got)
        line[strcspn(line, "\r\n")] = '\0';
    return got;
}

/* What a setting is to be: as an option says, as the cloud says, as it is. `given`: by an option.
 */
static const char *planned(const struct job *job, const char *name, bool *given)
{
    for (unsigned i = 0; i < job->set_count; i++) {
        if (strcmp(job->sets[i].name, name) != 0)
            continue;
        *given = i < job->given_count;
        return job->sets[i].value;
    }
    *given = false;
    return device_value(&job->before, name);
}

/* Settings that no option has given. */
static otter_status ask_all(struct job *job)
{
    char line[DEVICE_VALUE_MAX];
    bool given;
    for (unsigned i = 0; i < job->before.count; i++) {
        const char *name = job->before.all[i].name;
        const char *present = planned(job, name, &given);
        const bool secret = strcmp(name, "wifi_credential") == 0;
        if (given || !(job->interactive || (secret && job->ask_credential)))
            continue;
        if (!ask(name, present, secret, line, sizeof line))
            return failed(&job->failure, OTTER_E_CLOSED, "the answers ended before %s", name);
        if (line[0] != '\0' && put_set(job, name, strlen(name), line) == ARGUMENTS_WRONG)
            return failed(&job->failure, OTTER_E_ARGUMENT, "%s is too long", name);
    }
    return OTTER_OK;
}

/* ---- What the settings are to be ------------------------------------------------------------- */

static void say(const struct job *job, const char *text)
{
    if (!job->quiet)
        printf("== %s\n", text);
    fflush(stdout);
}

/* Something that is not taken yet, for a device nobody has named. */
static void random_name(char *name)
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
    unsigned char bytes[10] = {0};
    (void)RAND_bytes(bytes, sizeof bytes);
    memcpy(name, "otter-", 6);
    for (unsigned i = 0; i < sizeof bytes; i++)
        name[6 + i] = letters[bytes[i] % (sizeof letters - 1)];
    name[6 + sizeof bytes] = '\0';
}

static void set_default(struct job *job, const char *name, const char *value)
{
    bool given;
    (void)planned(job, name, &given);
    if (value[0] != '\0' && !given)
        put_set(job, name, strlen(name), value);
}

static void choose_settings(struct job *job)
{
    char host[DEVICE_VALUE_MAX], random[20];
    const char *given = job->endpoint;
    const char *colon = given != NULL ? strrchr(given, ':') : NULL;
    const char *port = job->place.port[0] != '\0' ? job->place.port : "8883";
    if (given != NULL)
        snprintf(host, sizeof host, "%.*s",
                 (int)(colon != NULL ? (size_t)(colon - given) : strlen(given)), given);
    set_default(job, "mqtt_endpoint", given != NULL ? host : job->place.host);
    set_default(job, "mqtt_port", colon != NULL ? colon + 1 : port);
    bool named;
    if (planned(job, "thing_name", &named)[0] == '\0') {
        random_name(random);
        put_set(job, "thing_name", 10, random);
    }
}

/* ---- Steps ----------------------------------------------------------------------------------- */

static otter_status write_settings(struct job *job)
{
    unsigned changed = 0;
    otter_status status = OTTER_OK;
    for (unsigned i = 0; i < job->set_count && status == OTTER_OK; i++) {
        if (strcmp(device_value(&job->before, job->sets[i].name), job->sets[i].value) == 0)
            continue;
        status = device_set(&job->device, job->sets[i].name, job->sets[i].value, &job->failure);
        changed++;
    }
    if (status != OTTER_OK || changed == 0)
        return status;
    status = device_command(&job->device, "conf commit", 20, &job->failure);
    if (status == OTTER_OK && strstr(job->device.answer, "saved") == NULL)
        status = failed(&job->failure, OTTER_E_REFUSED, "the device does not save its settings: %s",
                        job->device.answer);
    return status;
}

static otter_status make_certificate(struct job *job)
{
    char pem[PEM_MAX], csr[PEM_MAX];
    struct failure *failure = &job->failure;
    otter_status status = device_pem(&job->device, "pki generate key", pem, sizeof pem, failure);
    if (status == OTTER_OK && job->self) {
        status = device_pem(&job->device, "pki generate cert", pem, sizeof pem, failure);
        return status == OTTER_OK ? cloud_register(&job->cloud, pem, job->arn, failure) : status;
    }
    if (status == OTTER_OK)
        status = device_pem(&job->device, "pki generate csr", csr, sizeof csr, failure);
    if (status == OTTER_OK)
        status = cloud_issue(&job->cloud, csr, job->arn, pem, sizeof pem, failure);
    return status == OTTER_OK
               ? device_import(&job->device, "pki import cert tls_cert", pem, failure)
               : status;
}

/* The one on the device, when the cloud knows it and it is this thing's; else a new one. */
static otter_status ensure_certificate(struct job *job)
{
    char pem[PEM_MAX];
    struct failure unused;
    const bool same_thing = strcmp(device_value(&job->before, "thing_name"), job->name) == 0;
    if (device_pem(&job->device, "pki export cert tls_cert", pem, sizeof pem, &unused) ==
            OTTER_OK &&
        cloud_knows(&job->cloud, pem, job->old_arn)) {
        if (same_thing && !job->new_key) {
            say(job, "The device's certificate is registered and active: it is kept");
            snprintf(job->arn, sizeof job->arn, "%s", job->old_arn);
            job->old_arn[0] = '\0';
            return OTTER_OK;
        }
    }
    say(job, job->self ? "The device makes a key and a certificate"
                       : "The device makes a key and asks for a certificate");
    return make_certificate(job);
}

static otter_status import_file(struct job *job, const char *path, const char *command)
{
    struct bytes content = {0};
    otter_status status = file_read(path, &content, &job->failure);
    if (status == OTTER_OK) {
        bytes_fill(&content, 0, 1); /* a text now */
        const char *begin = strstr((const char *)content.data, "-----BEGIN ");
        status = begin != NULL ? device_import(&job->device, command, begin, &job->failure)
                               : failed(&job->failure, OTTER_E_MALFORMED, "%s holds no PEM", path);
    }
    bytes_free(&content);
    return status;
}

static otter_status import_trust(struct job *job)
{
    const char *root = job->root_ca != NULL            ? job->root_ca
                       : job->place.root_ca[0] != '\0' ? job->place.root_ca
                                                       : AMAZON_ROOT;
    otter_status status = import_file(job, root, "pki import cert root_ca_cert");
    if (status == OTTER_OK && job->signer != NULL)
        status = import_file(job, job->signer, "pki import key ota_signer_pub");
    return status;
}

/* Where the console has the command: all that comes from outside is there. */
static otter_status seal(struct job *job)
{
    const char *answer = job->device.answer;
    otter_status status = device_command(&job->device, "secure", 10, &job->failure);
    if (status != OTTER_OK || job->no_seal || strstr(answer, "until `secure seal`") == NULL)
        return status;
    say(job, "The device is sealed: keys are made and not imported from now on");
    status = device_command(&job->device, "secure seal", 10, &job->failure);
    if (status == OTTER_OK && strstr(answer, "Sealed:") == NULL)
        status = failed(&job->failure, OTTER_E_REFUSED, "the device is not sealed: %s", answer);
    return status;
}

static otter_status go_on_line(struct job *job)
{
    char expected[DEVICE_VALUE_MAX + 16];
    if (job->timeout_s == 0)
        return device_restart(&job->device, "reset", 5, &job->failure); /* its echo */
    snprintf(expected, sizeof expected, "on line as %s,", job->name);
    say(job, "The device starts anew and connects");
    return device_restart(&job->device, expected, job->timeout_s, &job->failure);
}

/* All the files that will be needed, before anything is changed. */
static otter_status check_files(struct job *job)
{
    const char *root = job->root_ca != NULL     ? job->root_ca
                       : job->cloud.dir == NULL ? AMAZON_ROOT
                                                : NULL;
    if (root != NULL && access(root, R_OK) != 0)
        return failed(
            &job->failure, OTTER_E_NOT_FOUND,
            "cannot read the root certificate %s: name one with --root-ca (Amazon Root CA "
            "1 is at https://www.amazontrust.com/repository/)",
            root);
    if (job->signer != NULL && access(job->signer, R_OK) != 0)
        return failed(&job->failure, OTTER_E_NOT_FOUND, "cannot read %s", job->signer);
    return OTTER_OK;
}

/* What was made and did not come to anything is of no use to anybody. */
static void give_up_certificate(struct job *job)
{
    struct failure unused;
    if (job->arn[0] != '\0')
        (void)cloud_retire(&job->cloud, job->name, job->arn, &unused);
}

static otter_status identify(struct job *job)
{
    otter_status status = ensure_certificate(job);
    if (status == OTTER_OK)
        status =
            cloud_attach(&job->cloud, job->name, job->policy != NULL ? job->policy : POLICY_DEFAULT,
                         job->arn, &job->failure);
    else
        give_up_certificate(job);
    return status;
}

static otter_status provision(struct job *job)
{
    struct failure *failure = &job->failure;
    otter_status status = check_files(job);
    if (status == OTTER_OK)
        status = device_open(&job->device, job->port, job->baud, failure);
    if (status != OTTER_OK)
        return status;
    status = device_settings(&job->device, &job->before, failure);
    if (status == OTTER_OK) {
        say(job, "The cloud");
        status = cloud_find(&job->cloud, &job->place, failure);
    }
    if (status == OTTER_OK) {
        choose_settings(job);
        status = ask_all(job);
    }
    if (status == OTTER_OK) {
        bool given;
        snprintf(job->name, sizeof job->name, "%s", planned(job, "thing_name", &given));
        say(job, "The device's settings");
        status = write_settings(job);
    }
    if (status == OTTER_OK)
        status = identify(job);
    if (status == OTTER_OK)
        status = import_trust(job);
    if (status == OTTER_OK)
        status = seal(job);
    if (status == OTTER_OK)
        status = go_on_line(job);
    if (status == OTTER_OK && job->old_arn[0] != '\0') {
        say(job, "The certificate before is not needed any more");
        status = cloud_retire(&job->cloud, job->name, job->old_arn, failure);
    }
    return status;
}

static void report(const struct job *job)
{
    const char *host = job->endpoint != NULL ? job->endpoint : job->place.host;
    const char *id = strrchr(job->arn, '/');
    printf("%s %s as %s, certificate %s, at %s (account %s)\n", job->port,
           job->timeout_s > 0 ? "is on line" : "will connect", job->name,
           id != NULL ? id + 1 : job->arn, host, job->place.account);
}

static int to_image(struct job *job)
{
    if (provision_section_add(job->image, job->script, job->output, &job->failure) != OTTER_OK)
        return failure_print(&job->failure, "provision");
    if (!job->quiet)
        printf("%s: for development only, whoever has it has the keys in it\n", job->output);
    return 0;
}

int command_provision(int argc, char **argv)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return 1;
    job->baud = 115200;
    job->timeout_s = 60;
    job->cloud.dir = DIR_DEFAULT;
    job->device.port.descriptor = -1;
    int code = read_arguments(job, argc, argv);
    if (code >= 0) {
        free(job);
        return code;
    }
    otter_status status;
    if (job->image != NULL) {
        code = to_image(job);
        free(job);
        return code;
    }
    status = cloud_begin(&job->cloud, &job->failure);
    if (status == OTTER_OK) {
        status = provision(job);
        cloud_end(&job->cloud);
    }
    device_close(&job->device);
    if (status == OTTER_OK)
        report(job);
    code = status == OTTER_OK ? 0 : failure_print(&job->failure, "provision");
    free(job);
    return code;
}
