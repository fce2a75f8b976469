/* The bench of pki_bench.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <cmocka.h>

#include "pki_bench.h"
#include "port/port.h"

struct nor_store store;
struct kv kv;
struct pki pki;
bool no_entropy;
const uint8_t *drawn;

static struct pki_part ota_part;
static struct pki_part claim_part;
static char folder[] = "/tmp/otter-pki-XXXXXX";

otter_status port_random(void *data, size_t length)
{
    if (no_entropy || getrandom(data, length, 0) != (ssize_t)length)
        return OTTER_E_CRYPTO;
    if (drawn != NULL && length == 128) {
        memcpy(data, drawn, length);
        drawn = NULL;
    }
    return OTTER_OK;
}

int bench_set_up(void **state)
{
    (void)state;
    no_entropy = false;
    drawn = NULL;
    const otter_status status = nor_store_open(&store, NOR_STORE_SECTORS, &kv);
    pki_init(&pki, &kv, NULL, NULL);
    pki_add(&pki, &ota_part, &pki_ota_labels);
    pki_add(&pki, &claim_part, &pki_claim_labels);
    return status;
}

int bench_tear_down(void **state)
{
    (void)state;
    return !nor_store_close(&store);
}

int bench_make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

int bench_remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

size_t shell(const char *command, char *output, size_t size)
{
    char line[1024];
    snprintf(line, sizeof line, "cd %s && { %s; } 2>&1", folder, command);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    const size_t length = fread(output, 1, size - 1, pipe);
    output[length] = '\0';
    if (pclose(pipe) != 0)
        fail_msg("%s: %s", command, output);
    return length;
}

void run(const char *command)
{
    char output[4096];
    shell(command, output, sizeof output);
}

void save(const char *name, const void *data, size_t length)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

size_t read_file(const char *name, char *data, size_t size)
{
    char command[100];
    snprintf(command, sizeof command, "cat %s", name);
    return shell(command, data, size);
}

void make_signer(void)
{
    run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem && "
        "openssl ec -in key.pem -pubout -out pub.pem && "
        "openssl req -new -x509 -key key.pem -subj /CN=signer -days 365 -out signer.pem && "
        "printf 'the image' > image && "
        "openssl dgst -sha256 -sign key.pem -out image.sig image");
}

const char *exported(const char *label)
{
    static char pem[PKI_PEM_MAX];
    assert_int_equal(pki_export(&pki, label, pem, sizeof pem), OTTER_OK);
    return pem;
}

otter_status import(const char *label, enum pki_type type, const char *pem)
{
    return pki_import(&pki, label, type, pem, strlen(pem));
}

bool is_there(const char *label)
{
    uint32_t length;
    return pki_length(&pki, label, &length) == OTTER_OK;
}

struct scalar private_scalar(const char *label)
{
    static const uint8_t head[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
    char name[KV_KEY_MAX + 1];
    uint8_t der[200];
    uint32_t length;
    struct scalar scalar;
    snprintf(name, sizeof name, "pki/%s", label);
    assert_int_equal(kv_get(&kv, name, der, sizeof der, &length), OTTER_OK);
    assert_int_equal(length, 121);
    assert_memory_equal(der, head, sizeof head);
    memcpy(scalar.bytes, der + sizeof head, sizeof scalar.bytes);
    return scalar;
}
