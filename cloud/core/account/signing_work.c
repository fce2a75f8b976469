/* Signing piece by piece; see signing_work_internal.h.
 *
 * The object is read twice: for its hash, and, once the signature is known, for the signed object,
 * which is JSON: rawPayloadSize, signature (base64 of the DER ECDSA-Sig-Value), signatureAlgorithm,
 * payload (base64). So a few hundred KB of memory do for any size. */
#include "cloud/core/account/signing_work_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/contents.h"
#include "cloud/core/account/objects.h"
#include "cloud/core/ground/names.h"

#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */
#define HEAD_MAX      2048 /* of the signed object, before the payload */
/* A multiple of 3, so that the base64 of pieces can be joined; with the head it is one piece of a
 * content. */
#define PIECE     ((CONTENT_PIECE - HEAD_MAX) / 4 * 3)
#define TEXT_SIZE (CONTENT_PIECE + 16)

struct signing_work {
    struct signing_order order;
    bool busy, abandoned; /* the worker has it; it is to be freed when the worker is done */
    size_t at, length;    /* of the piece in hand */
    EVP_MD_CTX *signer, *digest;
    char *signature;
    char md5[33];
    int64_t staged;
    size_t staged_size, text_length;
    unsigned char piece[PIECE];
    char text[TEXT_SIZE];
};

static bool last_piece(const struct signing_work *work)
{
    return work->at + work->length == (size_t)work->order.size;
}

/* ---- what the host may do on a thread ---- */

static void hash(void *context)
{
    struct signing_work *work = context;
    unsigned char signature[SIGNATURE_MAX];
    size_t length = sizeof signature;
    bool done = EVP_DigestSignUpdate(work->signer, work->piece, work->length) == 1;
    if (done && last_piece(work)) {
        done = EVP_DigestSignFinal(work->signer, signature, &length) == 1;
        work->signature = done ? base64_new(signature, length) : NULL;
    }
    if (!done)
        work->order.failure = "The signature could not be computed.";
}

static void encode(void *context)
{
    struct signing_work *work = context;
    unsigned char md5[EVP_MAX_MD_SIZE];
    size_t used = 0;
    if (work->at == 0)
        used = (size_t)snprintf(work->text, HEAD_MAX,
                                "{\"rawPayloadSize\":%lld,\"signature\":\"%s\","
                                "\"signatureAlgorithm\":\"%s\",\"payload\":\"",
                                (long long)work->order.size, work->signature,
                                work->order.platform->signature_algorithm);
    used +=
        (size_t)EVP_EncodeBlock((unsigned char *)work->text + used, work->piece, (int)work->length);
    if (last_piece(work))
        used += (size_t)sprintf(work->text + used, "\"}");
    work->text_length = used;
    bool done = EVP_DigestUpdate(work->digest, work->text, used) == 1;
    if (done && last_piece(work)) {
        done = EVP_DigestFinal_ex(work->digest, md5, NULL) == 1;
        hex_encode(work->md5, md5, 16);
    }
    if (!done)
        work->order.failure = "The signed object's tag could not be computed.";
}

/* ---- on the core's own ---- */

static void sign_piece(void *context);

static void next_turn(struct signing_work *work)
{
    cloud_do_later(work->order.cloud, sign_piece, work);
}

static void destroy(struct signing_work *work)
{
    EVP_MD_CTX_free(work->signer);
    EVP_MD_CTX_free(work->digest);
    free(work->signature);
    free(work);
}

static void store(struct signing_work *work)
{
    if (!work->staged)
        work->staged = content_begin(work->order.cloud);
    if (!work->staged || content_add(work->order.cloud, work->staged, (int64_t)work->staged_size,
                                     work->text, work->text_length) != OTTER_OK)
        work->order.failure = "The signed object could not be written.";
    work->staged_size += work->text_length;
}

static void on_worked(void *context)
{
    struct signing_work *work = context;
    work->busy = false;
    if (work->abandoned) {
        destroy(work);
        return;
    }
    bool last = last_piece(work);
    if (!work->order.failure && work->text_length > 0)
        store(work);
    work->at = last ? 0 : work->at + work->length;
    if (work->order.failure || (last && work->text_length > 0))
        work->order.ended(work->order.context); /* may free the work */
    else
        next_turn(work);
}

static void sign_piece(void *context)
{
    struct signing_work *work = context;
    size_t left = (size_t)work->order.size - work->at;
    work->length = left < PIECE ? left : PIECE;
    if (!work->order.failure &&
        !object_read(work->order.cloud, work->order.object, work->at, work->piece, work->length))
        work->order.failure = "The source object could not be read.";
    if (work->order.failure) {
        work->order.ended(work->order.context);
        return;
    }
    work->busy = true;
    cloud_run(work->order.cloud, work->signature ? encode : hash, on_worked, work);
}

struct signing_work *signing_work_begin(const struct signing_order *order)
{
    struct signing_work *work = calloc(1, sizeof *work);
    if (!work)
        abort(); /* nothing sensible can follow on the host */
    work->order = *order;
    work->signer = EVP_MD_CTX_new();
    work->digest = EVP_MD_CTX_new();
    if (!work->signer || !work->digest)
        abort();
    if (!order->failure && (EVP_DigestSignInit_ex(work->signer, NULL, order->platform->digest, NULL,
                                                  NULL, order->key, NULL) != 1 ||
                            EVP_DigestInit_ex(work->digest, EVP_md5(), NULL) != 1))
        work->order.failure = "The signature could not be computed.";
    next_turn(work);
    return work;
}

struct signing_outcome signing_work_outcome(const struct signing_work *work)
{
    return (struct signing_outcome){work->order.failure, work->signature, work->md5, work->staged,
                                    work->staged_size};
}

void signing_work_free(struct signing_work *work)
{
    if (!work)
        return;
    if (work->staged)
        content_drop(work->order.cloud, work->staged);
    work->abandoned = true;
    cloud_forget_later(work->order.cloud, sign_piece, work);
    if (!work->busy)
        destroy(work);
}
