/*
 * For tests of pki: a store on simulated flash with the labels of updates and of fleet
 * provisioning, and a folder where the openssl program makes what is imported and judges what is
 * exported.
 */
#ifndef OTTER_TESTS_PKI_BENCH_H
#define OTTER_TESTS_PKI_BENCH_H

#include <stdbool.h>

#include "pki/pki.h"
#include "tests/sim/nor_store.h"

extern struct nor_store store;
extern struct kv kv;
extern struct pki pki;
extern bool no_entropy;      /* port_random fails */
extern const uint8_t *drawn; /* the next 128 random bytes that are asked for; NULL: any */

/* Before and after each test. */
int bench_set_up(void **state);
int bench_tear_down(void **state);

/* Before and after all of them. */
int bench_make_folder(void **state);
int bench_remove_folder(void **state);

/* Runs a shell command in the folder; its output, up to `size` with a NUL behind it, is the result.
 */
size_t shell(const char *command, char *output, size_t size);
void run(const char *command);
void save(const char *name, const void *data, size_t length);
size_t read_file(const char *name, char *data, size_t size);

/* key.pem, its pub.pem and its own signer.pem; image, and image.sig by that key. */
void make_signer(void);

/* As PEM; the text stays till the next call. */
const char *exported(const char *label);
otter_status import(const char *label, enum pki_type type, const char *pem);
bool is_there(const char *label);

struct scalar {
    uint8_t bytes[32];
};

/* Out of the ECPrivateKey that lies in the store. */
struct scalar private_scalar(const char *label);

#endif
