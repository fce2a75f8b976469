/* pki: keys and certificates. */
#include <string.h>

#include "console/commands.h"

#if OTTER_KEYS_P384
#define P384      "|p384"
#define P384_KIND " or P-384"
#else
#define P384      ""
#define P384_KIND ""
#endif
#if OTTER_KEYS_RSA2048
#define RSA      "|rsa2048"
#define RSA_KIND ", or RSA with 2048 bits"
#else
#define RSA      ""
#define RSA_KIND ""
#endif

const char command_pki_usage[] =
    "    Usage:\n"
#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
    "    pki generate key [label] [p256" P384 RSA "]\n"
    "        Make a key pair, of P-256 if not said; the certificate for the old one goes.\n"
#else
    "    pki generate key [label]\n"
    "        Make a P-256 key pair; the certificate for the old one goes.\n"
#endif
    "    pki generate csr|cert [label]\n"
    "        Make a certificate request, or a self-signed certificate, for thing_name.\n"
    "    pki import cert|key [label]\n"
    "        Then paste PEM text, one object. A blank line or ctrl-C gives up.\n"
    "    pki export cert|key [label]\n"
    "        Show a certificate or public key as PEM text.\n"
    "    pki list\n"
    "        Show all labels and what is stored.\n"
    "    Labels, if not given: of tls_*; import key: " PKI_OTA_SIGNER ".\n";

static const char *type_name(enum pki_type type)
{
    return type == PKI_CERTIFICATE  ? "certificate"
           : type == PKI_PUBLIC_KEY ? "public key"
                                    : "private key";
}

/* "cert" or "key"; the label decides of which kind a key is. */
static bool parse_type(const char *word, enum pki_type *type)
{
    *type = strcmp(word, "cert") == 0 ? PKI_CERTIFICATE : PKI_PUBLIC_KEY;
    return *type == PKI_CERTIFICATE || strcmp(word, "key") == 0;
}

static const struct pki_object *find_label(struct cli *cli, const char *label)
{
    const struct pki *pki = console_of(cli)->pki;
    const struct pki_object *object = pki_find(pki, label);
    if (object != NULL)
        return object;
    unsigned guesses = 0;
    cli_printf(cli, "No label '%.40s': see 'pki list'.", label);
    for (unsigned i = 0; (object = pki_object(pki, i)) != NULL; i++)
        guesses = cli_guess(cli, label, object->label, guesses);
    cli_end_guess(cli, guesses);
    return NULL;
}

static void export(struct cli *cli, const char *label)
{
    struct console *console = console_of(cli);
    const otter_status status = pki_export(console->pki, label, console->pem, sizeof console->pem);
    if (status == OTTER_OK)
        cli_print(cli, console->pem);
    else if (status == OTTER_E_NOT_FOUND)
        cli_printf(cli, "Nothing is stored in %s: see 'pki list'.\n", label);
    else if (status == OTTER_E_REFUSED)
        cli_printf(cli, "%s is not shown: a private key never leaves the device.\n", label);
    else
        console_print_failure(cli, "Export", status);
}

static void end_generate_key(struct cli *cli, const struct pki_object *object, otter_status status)
{
    if (status == OTTER_E_UNSUPPORTED) {
        cli_print(cli, "No key made: this device has no keys of that kind.\n");
        return;
    }
    if (status != OTTER_OK) {
        console_print_failure(cli, "Making a key pair", status);
        return;
    }
    cli_printf(cli, "SUCCESS: Key pair generated and stored in\nPrivate Key Label: %s\n",
               object->label);
    if (object->public_label != NULL) {
        cli_printf(cli, "Public Key Label: %s\n", object->public_label);
        export(cli, object->public_label);
    }
    console_changed(console_of(cli));
}

static void generate_key(struct cli *cli, const struct pki_object *object,
                         enum pki_algorithm algorithm)
{
    struct console *console = console_of(cli);
    const otter_status status = pki_generate_pair(console->pki, object->label, algorithm);
#if OTTER_KEYS_RSA2048
    if (status == OTTER_E_AGAIN) {
        console->making = object;
        console->steps = 0;
        cli_print(cli,
                  "Looking for the primes of the key, which takes a board minutes; ctrl-C gives "
                  "up and keeps the old key.\n");
        cli_hold(cli, cli);
        return;
    }
#endif
    end_generate_key(cli, object, status);
}

#if OTTER_KEYS_RSA2048
#define STEPS_A_DOT 16u

void command_pki_go_on(struct console *console)
{
    struct cli *const cli = &console->cli;
    if (cli->held != cli) { /* by ctrl-C */
        pki_generate_stop(console->pki);
        console->making = NULL;
        return;
    }
    const otter_status status = pki_generate_more(console->pki);
    if (status == OTTER_E_AGAIN) {
        if (++console->steps % STEPS_A_DOT == 0)
            cli_print(cli, ".");
        return;
    }
    if (console->steps >= STEPS_A_DOT)
        cli_print(cli, "\n");
    end_generate_key(cli, console->making, status);
    console->making = NULL;
    cli_release(cli);
}
#endif

/* Where a certificate is stored; a request is shown only. */
static otter_status make(struct console *console, const struct pki_object *object, bool request,
                         const char *name)
{
    if (request)
        return pki_generate_csr(console->pki, object->label, name, console->pem,
                                sizeof console->pem);
    return pki_generate_cert(console->pki, object->label, name);
}

static void generate_named(struct cli *cli, const struct pki_object *object, bool request)
{
    struct console *console = console_of(cli);
    const char *what = request ? "request" : "certificate";
    char name[CONFIG_TEXT_MAX + 1];
    if (config_get_text(console->kv, CONFIG_THING_NAME, name, sizeof name) != OTTER_OK) {
        cli_printf(cli, "No %s made: type 'conf set thing_name <name>' and 'conf commit' first.\n",
                   what);
        return;
    }
    const otter_status status = make(console, object, request, name);
    if (status == OTTER_OK && request) {
        cli_print(cli, console->pem);
    } else if (status == OTTER_OK) {
        export(cli, object->cert_label);
        console_changed(console);
    } else if (status == OTTER_E_NOT_FOUND) {
        cli_printf(cli, "No %s made: type 'pki generate key' first.\n", what);
    } else if (status == OTTER_E_ARGUMENT) {
        cli_printf(cli, "No %s made: thing_name must not exceed %u characters.\n", what,
                   PKI_COMMON_NAME_MAX);
    } else {
        cli_printf(cli, "No %s made: %s.\n", what, otter_status_text(status));
    }
}

static bool is_label(const char *label, const char *word)
{
    return label != NULL && strcmp(label, word) == 0;
}

/* Takes the word for an algorithm out of the others. A device whose keys are all P-256 knows that
 * word only. */
static enum pki_algorithm take_algorithm(char **words)
{
    static const char *const names[] = {
        [PKI_P256] = "p256",
#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
        [PKI_P384] = "p384",
        [PKI_RSA2048] = "rsa2048",
#endif
    };
    for (; *words != NULL; words++) {
        for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
            if (strcmp(*words, names[i]) != 0)
                continue;
            for (; *words != NULL; words++)
                words[0] = words[1];
            return (enum pki_algorithm)i;
        }
    }
    return PKI_P256;
}

/* The private key that all words of a label mean: its own, or one that goes along with it. */
static const struct pki_object *find_pair(struct cli *cli, char **words)
{
    const struct pki *pki = console_of(cli)->pki;
    const struct pki_object *object, *found = pki_find(pki, PKI_TLS_KEY_PRIV);
    for (; *words != NULL; words++) {
        if (strcmp(*words, "-pem") == 0) /* as it is in any case */
            continue;
        for (unsigned i = 0; (object = pki_object(pki, i)) != NULL; i++) {
            if (object->type == PKI_PRIVATE_KEY &&
                (is_label(object->label, *words) || is_label(object->public_label, *words) ||
                 is_label(object->cert_label, *words)))
                break;
        }
        if (object == NULL && find_label(cli, *words) != NULL)
            cli_printf(cli, "%s is not of a key pair of this device.\n", *words);
        if (object == NULL)
            return NULL;
        found = object;
    }
    return found;
}

static void generate(struct cli *cli, const char *what, char **words)
{
    const bool key = strcmp(what, "key") == 0, request = strcmp(what, "csr") == 0;
    if (!key && !request && strcmp(what, "cert") != 0) {
        console_print_wrong_usage(cli, "pki");
        return;
    }
    const enum pki_algorithm algorithm = key ? take_algorithm(words) : PKI_P256;
    const struct pki_object *object = find_pair(cli, words);
    if (object == NULL)
        return;
    if (key)
        generate_key(cli, object, algorithm);
    else if (!request && object->cert_label == NULL)
        cli_printf(cli, "No label is there for a certificate of %s.\n", object->label);
    else
        generate_named(cli, object, request);
}

static const char *import_problem(otter_status status, enum pki_type type)
{
    switch (status) {
    case OTTER_E_CLOSED:
        return "the text ended before its END line";
    case OTTER_E_MALFORMED:
        return "the text is not whole PEM; copy all from -----BEGIN to -----END";
    case OTTER_E_REFUSED:
        return "the text holds several objects, and a label takes one; paste that alone";
    case OTTER_E_KEY:
        return type == PKI_CERTIFICATE ? "it takes a certificate, with a kind of key known here"
               : type == PKI_PUBLIC_KEY
                   ? "it takes a public key of curve P-256 (uncompressed), or a certificate"
                   : "it takes a private key of curve P-256" P384_KIND RSA_KIND;
    case OTTER_E_UNSUPPORTED:
        return "private keys are only made on this device; see 'pki generate key'";
    default:
        return otter_status_text(status);
    }
}

static void import_done(struct cli *cli, otter_status status, char *text, size_t length)
{
    struct console *console = console_of(cli);
    const struct pki_object *object = console->import;
    if (status == OTTER_OK)
        status = pki_import(console->pki, object->label, console->import_type, text, length);
    memset(console->pem, 0, sizeof console->pem);
    if (status == OTTER_OK) {
        cli_printf(cli, "SUCCESS: %s stored in %s\n", type_name(object->type), object->label);
        console_changed(console);
    } else {
        cli_printf(cli, "%s is unchanged: %s.\n", object->label,
                   import_problem(status, object->type));
    }
}

static void import(struct cli *cli, enum pki_type type, const char *label)
{
    struct console *console = console_of(cli);
    const struct pki_object *object = find_label(cli, label);
    if (object == NULL)
        return;
    if (object->type == PKI_CERTIFICATE && type != PKI_CERTIFICATE) {
        cli_printf(cli, "%s is a certificate: use 'pki import cert %s'.\n", label, label);
        return;
    }
    console->import = object;
    console->import_type = type;
    cli_begin_paste(cli, console->pem, sizeof console->pem, import_done);
}

static void list(struct cli *cli)
{
    struct pki *pki = console_of(cli)->pki;
    const struct pki_object *object;
    for (unsigned i = 0; (object = pki_object(pki, i)) != NULL; i++) {
        uint32_t length;
        const otter_status status = pki_length(pki, object->label, &length);
        cli_printf(cli, "%-20s %-11s ", object->label, type_name(object->type));
        if (status == OTTER_OK)
            cli_printf(cli, "%4lu bytes\n", (unsigned long)length);
        else
            cli_printf(cli, "%s\n",
                       status == OTTER_E_NOT_FOUND ? "not there" : otter_status_text(status));
    }
}

void command_pki(struct cli *cli, int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    const char *label = argv[argc > 3 ? 3 : argc];
    enum pki_type type;
    if (argc == 2 && strcmp(verb, "list") == 0)
        list(cli);
    else if (argc > 2 && strcmp(verb, "generate") == 0)
        generate(cli, argv[2], argv + 3);
    else if (argc < 3 || argc > 4 || !parse_type(argv[2], &type))
        console_print_wrong_usage(cli, "pki");
    else if (strcmp(verb, "import") == 0)
        import(cli, type,
               label != NULL             ? label
               : type == PKI_CERTIFICATE ? PKI_TLS_CERT
                                         : PKI_OTA_SIGNER);
    else if (strcmp(verb, "export") != 0)
        console_print_wrong_usage(cli, "pki");
    else if (label == NULL)
        export(cli, type == PKI_CERTIFICATE ? PKI_TLS_CERT : PKI_TLS_KEY_PUB);
    else if (find_label(cli, label) != NULL)
        export(cli, label);
}
