/* P-256 throughout. The root lasts 10 years; the server's certificate is made anew at each start,
 * so its key is never written to disk and its names follow the machine. Both begin a year back: a
 * board without a clock takes the time of its firmware's build, which may lie before the cloud's
 * birth. */
#include "cloud/core/registry/authority.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/core/ground/x509.h"

#define ROOT_DAYS   3650
#define SERVER_DAYS 397
#define BACK_DAYS   365

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
};

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[16];
    BIGNUM *number;
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] &= 0x7f;
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return done;
}

static bool set_name(X509_NAME *name, const char *common_name)
{
    return X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                                      (const unsigned char *)"Otter local cloud", -1, -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name,
                                      -1, -1, 0);
}

static bool add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool done = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

/* What every certificate of ours has; not yet signed. NULL on failure. */
static X509 *new_certificate(EVP_PKEY *key, const char *common_name, int64_t now, int days)
{
    const struct x509_validity validity = {now, BACK_DAYS, 0, days};
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
        set_name(X509_get_subject_name(certificate), common_name) &&
        x509_set_validity(certificate, &validity) && X509_set_pubkey(certificate, key))
        return certificate;
    X509_free(certificate);
    return NULL;
}

/* ---- the root ------------------------------------------------------------------------------- */

static bool make_root(struct authority *root, int64_t now)
{
    root->key = EVP_EC_gen("P-256");
    root->certificate =
        root->key ? new_certificate(root->key, "Otter local root CA", now, ROOT_DAYS) : NULL;
    X509 *c = root->certificate;
    return c && X509_set_issuer_name(c, X509_get_subject_name(c)) &&
           add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE") &&
           add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(c, c, NID_subject_key_identifier, "hash") &&
           X509_sign(c, root->key, EVP_sha256());
}

static FILE *create_file(const char *path, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    return fd >= 0 ? fdopen(fd, "w") : NULL;
}

static bool write_root(const struct authority *root, const char *certificate_path,
                       const char *key_path)
{
    FILE *file = create_file(key_path, 0600);
    bool done = file && PEM_write_PrivateKey(file, root->key, NULL, NULL, 0, NULL, NULL);
    if (file && fclose(file) != 0)
        done = false;
    file = done ? create_file(certificate_path, 0644) : NULL;
    done = file && PEM_write_X509(file, root->certificate);
    if (file && fclose(file) != 0)
        done = false;
    return done;
}

static bool read_root(struct authority *root, const char *certificate_path, const char *key_path)
{
    FILE *file = fopen(certificate_path, "r");
    if (file) {
        root->certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    file = fopen(key_path, "r");
    if (file) {
        root->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
    }
    return root->certificate && root->key &&
           X509_check_private_key(root->certificate, root->key) == 1;
}

/* Which of the two files is at fault. */
static const char *root_fault(const struct authority *root)
{
    if (!root->key)
        return "root_ca.key is missing, empty or no private key in PEM form";
    if (!root->certificate)
        return "root_ca.pem is missing, empty or no certificate in PEM form";
    return "root_ca.pem and root_ca.key do not belong together";
}

static bool open_root(const struct cloud *cloud, struct authority *root, char *reason, size_t size)
{
    const char *dir = cloud->dir;
    char certificate_path[600], key_path[600];
    snprintf(certificate_path, sizeof certificate_path, "%s/root_ca.pem", dir);
    snprintf(key_path, sizeof key_path, "%s/root_ca.key", dir);
    bool is_new = access(certificate_path, F_OK) != 0 && access(key_path, F_OK) != 0;
    if (!is_new && !read_root(root, certificate_path, key_path)) {
        snprintf(reason, size,
                 "%s, in %.200s: restore it, or remove both files to have new ones (devices must "
                 "then be given the new root_ca.pem)",
                 root_fault(root), dir);
        return false;
    }
    if (is_new &&
        !(make_root(root, cloud_now(cloud)) && write_root(root, certificate_path, key_path))) {
        snprintf(reason, size, "cannot write root_ca.pem and root_ca.key into %.200s: %s", dir,
                 strerror(errno));
        return false;
    }
    return true;
}

/* ---- the server's certificate --------------------------------------------------------------- */

/* An alternative name only if it is well-formed: a host may call itself anything. */
static void append_name(char *names, size_t size, const char *name)
{
    struct in_addr ip;
    size_t used = strlen(names);
    if (!*name ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") !=
            strlen(name))
        return;
    snprintf(names + used, size - used, ",%s:%s", inet_pton(AF_INET, name, &ip) == 1 ? "IP" : "DNS",
             name);
}

static void append_names(char *all, size_t size, const char *names)
{
    char name[256];
    while (names && *names) {
        size_t length = strcspn(names, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, names);
        append_name(all, size, name);
        names += length + (names[length] == ',');
    }
}

static bool sign_server(const struct authority *root, const char *more, X509 *c)
{
    char names[3072] = "DNS:localhost,IP:127.0.0.1,IP:10.0.2.2", host[128] = "";
    gethostname(host, sizeof host - 1);
    if (strcmp(host, "localhost") != 0)
        append_name(names, sizeof names, host);
    append_names(names, sizeof names, more);
    return X509_set_issuer_name(c, X509_get_subject_name(root->certificate)) &&
           add_extension(c, root->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(c, root->certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(c, root->certificate, NID_ext_key_usage, "serverAuth") &&
           add_extension(c, root->certificate, NID_subject_alt_name, names) &&
           add_extension(c, root->certificate, NID_authority_key_identifier, "keyid") &&
           X509_sign(c, root->key, EVP_sha256());
}

bool authority_issue(const struct cloud *cloud, const char *names, X509 **certificate,
                     EVP_PKEY **key, char *reason, size_t size)
{
    struct authority root = {NULL, NULL};
    bool done = open_root(cloud, &root, reason, size);
    *certificate = NULL;
    *key = NULL;
    if (done) {
        *key = EVP_EC_gen("P-256");
        *certificate =
            *key ? new_certificate(*key, "localhost", cloud_now(cloud), SERVER_DAYS) : NULL;
        done = *certificate && sign_server(&root, names, *certificate);
        if (!done)
            snprintf(reason, size, "cannot make the server's certificate: %s",
                     ERR_reason_error_string(ERR_get_error()));
    }
    X509_free(root.certificate);
    EVP_PKEY_free(root.key);
    return done;
}
