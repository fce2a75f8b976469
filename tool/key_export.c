/* otter getpub, getpubhash, getpriv: a key in the form that a device or another tool takes. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tool/arguments.h"
#include "tool/c_array.h"
#include "tool/command.h"
#include "tool/file.h"
#include "tool/keys.h"
#include "tool/signature.h"

enum encoding { ENCODING_LANG_C, ENCODING_LANG_RUST, ENCODING_PEM, ENCODING_RAW };

#define SUFFIX_MAX 64u

enum { OPTION_SUFFIX = 256, OPTION_MINIMAL, OPTION_SHA };

struct request {
    const char *path;
    const char *output; /* NULL: stdout */
    const char *suffix; /* of the C name */
    enum encoding encoding;
    enum hash_type hash;
    enum { FORMAT_DEFAULT, FORMAT_PKCS8, FORMAT_TRADITIONAL } format;
    bool minimal;
};

static bool parse_encoding(const char *text, enum encoding *encoding)
{
    static const char *const names[] = {"lang-c", "lang-rust", "pem", "raw"};

    for (int i = 0; i < 4; i++) {
        if (strcmp(text, names[i]) == 0) {
            *encoding = (enum encoding)i;
            return true;
        }
    }
    return false;
}

static bool parse_format(const char *text, struct request *request)
{
    request->format = strcmp(text, "openssl") == 0 ? FORMAT_TRADITIONAL : FORMAT_PKCS8;
    return request->format == FORMAT_TRADITIONAL || strcmp(text, "pkcs8") == 0;
}

/* What may stand behind a name in C and in Rust. */
static bool is_suffix(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] ==
               '\0' &&
           strlen(text) <= SUFFIX_MAX;
}

static int take_option(const struct arguments *arguments, int letter, struct request *request)
{
    const char *value = arguments->value;
    bool good = true;

    switch (letter) {
    case 'k':
        request->path = value;
        break;
    case 'o':
        request->output = value;
        break;
    case 'e':
        good = parse_encoding(value, &request->encoding);
        break;
    case 'f':
        good = parse_format(value, request);
        break;
    case OPTION_SUFFIX:
        request->suffix = value;
        good = is_suffix(value);
        break;
    case OPTION_MINIMAL:
        request->minimal = true;
        break;
    case OPTION_SHA:
        good = strcmp(value, "auto") == 0 || hash_parse(value, &request->hash);
        break;
    default: /* ARGUMENTS_OPERAND */
        usage_wrong(arguments->usage, "what is '%s' for? the key is given with -k", value);
        return ARGUMENTS_WRONG;
    }
    if (!good) {
        usage_wrong_value(arguments->usage, letter, value);
        return ARGUMENTS_WRONG;
    }
    return ARGUMENTS_END;
}

static int read_arguments(const struct usage *usage, struct request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    *request = (struct request){.suffix = ""};
    arguments_start(&arguments, usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_WRONG || got == ARGUMENTS_HELP)
            return got;
        got = take_option(&arguments, got, request);
        if (got != ARGUMENTS_END)
            return got;
    }
    if (!request->path) {
        usage_wrong(usage, "-k FILE is missing");
        return ARGUMENTS_WRONG;
    }
    return ARGUMENTS_END;
}

static void append_array(const struct key *key, const char *kind, const char *suffix,
                         const struct bytes *data, struct bytes *text)
{
    char name[128];

    snprintf(name, sizeof name, "%s_%s%s", key_short_name(key->type), kind, suffix);
    c_array(text, name, data);
}

static void append_slice(const struct key *key, const char *suffix, const struct bytes *data,
                         struct bytes *text)
{
    char name[128];

    snprintf(name, sizeof name, "%s_PUB_KEY%s", key_short_name(key->type), suffix);
    for (char *next = name; *next; next++)
        *next = (char)toupper((unsigned char)*next);
    rust_slice(text, name, data);
}

typedef otter_status export_function(const struct request *request, const struct key *key,
                                     struct bytes *text, struct failure *failure);

static int run(const struct usage *usage, export_function *export_key, int argc, char **argv)
{
    struct request request;
    struct failure failure;
    struct key key = {0};
    struct bytes text = {0};
    otter_status status;
    int got = read_arguments(usage, &request, argc, argv);

    if (got != ARGUMENTS_END)
        return got == ARGUMENTS_HELP ? 0 : 2;
    status = key_read(&key, request.path, &failure);
    if (status == OTTER_OK)
        status = export_key(&request, &key, &text, &failure);
    if (status == OTTER_OK)
        status = file_write_or_print(request.output, &text, &failure);
    key_free(&key);
    bytes_free(&text);
    return status == OTTER_OK ? 0 : failure_print(&failure, usage->command);
}

/* --- getpub ---------------------------------------------------------------------------------- */

static const struct option getpub_options[] = {
    {'k', "key", "FILE", "PEM file with the key pair or the public key"},
    {'e', "encoding", "FORM",
     "lang-c (the default), lang-rust, pem or raw (DER, as in a PUBKEY TLV)"},
    {OPTION_SUFFIX, "name-suffix", "TEXT",
     "put behind the names in the code: up to 64 letters, digits and _"},
    {'o', "output", "FILE", "instead of stdout"},
    {0},
};

static const struct usage getpub_usage = {
    .command = "getpub",
    .operands = "-k FILE [OPTION]...",
    .summary = "Prints the public half of a key: what a bootloader is built with, or an encrypter "
               "needs.",
    .options = getpub_options,
    .examples = "  otter getpub -k signing.pem > image_key.c\n"
                "  otter getpub -k signing.pem -e lang-rust -o image_key.rs\n"
                "  otter getpub -k device.pem -e pem -o device-pub.pem\n",
};

static otter_status export_public(const struct request *request, const struct key *key,
                                  struct bytes *text, struct failure *failure)
{
    struct bytes der = {0};
    otter_status status;

    if (request->encoding == ENCODING_PEM)
        return key_public_pem(key, text, failure);
    if (request->encoding == ENCODING_RAW)
        return key_public_der(key, text, failure);
    status = key_public_der(key, &der, failure);
    if (status == OTTER_OK && request->encoding == ENCODING_LANG_RUST)
        append_slice(key, request->suffix, &der, text);
    else if (status == OTTER_OK)
        append_array(key, "pub_key", request->suffix, &der, text);
    bytes_free(&der);
    return status;
}

int command_getpub(int argc, char **argv)
{
    return run(&getpub_usage, export_public, argc, argv);
}

/* --- getpubhash ------------------------------------------------------------------------------ */

static const struct option getpubhash_options[] = {
    {'k', "key", "FILE", "PEM file with the key pair or the public key"},
    {'e', "encoding", "FORM", "lang-c (the default) or raw"},
    {OPTION_SHA, "sha", "BITS", "256 (the default), 384 or 512: as images are hashed (P-384: 384)"},
    {OPTION_SUFFIX, "name-suffix", "TEXT",
     "put behind the names in the code: up to 64 letters, digits and _"},
    {'o', "output", "FILE", "instead of stdout"},
    {0},
};

static const struct usage getpubhash_usage = {
    .command = "getpubhash",
    .operands = "-k FILE [OPTION]...",
    .summary = "Prints the hash of the public key: what a KEYHASH TLV holds, and what devices that "
               "are provisioned with a hash instead of a key hold.",
    .options = getpubhash_options,
    .examples = "  otter getpubhash -k signing.pem\n"
                "  otter getpubhash -k signing.pem -e raw -o key.sha256\n",
};

static otter_status export_public_hash(const struct request *request, const struct key *key,
                                       struct bytes *text, struct failure *failure)
{
    uint8_t hash[HASH_SIZE_MAX];
    struct bytes bytes = {0};
    otter_status status;

    if (request->encoding != ENCODING_LANG_C && request->encoding != ENCODING_RAW)
        return failed(failure, OTTER_E_ARGUMENT,
                      "a hash has no such form; use -e lang-c or -e raw");
    status = key_public_der(key, &bytes, failure);
    if (status == OTTER_OK)
        status = hash_bytes(request->hash, bytes.data, bytes.size, hash, failure);
    bytes_free(&bytes);
    if (status != OTTER_OK)
        return status;
    bytes_append(&bytes, hash, hash_size(request->hash));
    if (request->encoding == ENCODING_RAW)
        bytes_append(text, bytes.data, bytes.size);
    else
        append_array(key, "pub_key_hash", request->suffix, &bytes, text);
    bytes_free(&bytes);
    return OTTER_OK;
}

int command_getpubhash(int argc, char **argv)
{
    return run(&getpubhash_usage, export_public_hash, argc, argv);
}

/* --- getpriv --------------------------------------------------------------------------------- */

static const struct option getpriv_options[] = {
    {'k', "key", "FILE", "PEM file with the key pair"},
    {OPTION_MINIMAL, "minimal", NULL,
     "leave out what decrypting can do without (not of RSA in PKCS#8)"},
    {'f', "format", "FORM", "pkcs8 or openssl, the key type's own form (default of RSA)"},
    {'o', "output", "FILE", "instead of stdout"},
    {0},
};

static const struct usage getpriv_usage = {
    .command = "getpriv",
    .operands = "-k FILE [OPTION]...",
    .summary = "Prints a private key as C code: what a bootloader that decrypts images is built "
               "with. Never\nbuild a *signing* key into a device.",
    .options = getpriv_options,
    .examples = "  otter getpriv -k device.pem --minimal -o image_enc_key.c\n",
};

static otter_status export_private(const struct request *request, const struct key *key,
                                   struct bytes *text, struct failure *failure)
{
    struct bytes der = {0};
    bool rsa = key->type == KEY_RSA_2048 || key->type == KEY_RSA_3072;
    bool traditional =
        request->format == FORMAT_TRADITIONAL || (request->format == FORMAT_DEFAULT && rsa);
    otter_status status;

    if (key->type == KEY_ED25519)
        return failed(failure, OTTER_E_UNSUPPORTED,
                      "Ed25519 keys sign and do not decrypt: no device has a use for the private "
                      "one");
    status = key_private_der(key, traditional, request->minimal, &der, failure);

    if (status == OTTER_OK)
        c_array(text, "enc_priv_key", &der);
    if (der.data)
        OPENSSL_cleanse(der.data, der.size);
    bytes_free(&der);
    return status;
}

int command_getpriv(int argc, char **argv)
{
    return run(&getpriv_usage, export_private, argc, argv);
}
