/* What was made under one label takes the place of what is under another, and which of both TLS
 * shows; see pki.h. */
#include "pki/pki.h"

#include "pki/pki_inner.h"

void pki_use(struct pki *pki, struct pki_identity identity)
{
    pki->identity = identity;
}

struct pki_identity pki_identity(const struct pki *pki)
{
    return pki->identity;
}

/* The items of one change; those of the companions have their names here. */
#define ITEMS_MAX (4u + PKI_WITH_MAX)
struct change {
    struct pki_name names[4];
    struct kv_item items[ITEMS_MAX];
    uint32_t count;
};

static void add(struct change *change, const char *label, const void *value, size_t length)
{
    struct pki_name *name = &change->names[change->count];
    *name = pki_name(label);
    change->items[change->count++] = (struct kv_item){name->text, value, (uint32_t)length};
}

/* The certificate, in pki_work, goes from one label to the other. */
static otter_status add_cert(struct pki *pki, struct change *change, const char *from,
                             const char *to)
{
    size_t length;
    const otter_status status = pki_load(pki, from, pki_work, sizeof pki_work, &length);
    if (status != OTTER_OK)
        return status;
    add(change, to, pki_work, length);
    add(change, from, NULL, 0);
    return OTTER_OK;
}

static otter_status move_key(struct pki *pki, struct change *change, const struct pki_object *from,
                             const struct pki_object *to, struct pki_public *public)
{
    if (pki->keys->move == NULL || from->cert_label == NULL || to->cert_label == NULL)
        return OTTER_E_UNSUPPORTED;
    otter_status status = pki_public_key(pki, from->label, public);
    if (status == OTTER_OK)
        status = add_cert(pki, change, from->cert_label, to->cert_label);
    if (status == OTTER_OK && to->public_label != NULL)
        add(change, to->public_label, public->der, public->length);
    if (status == OTTER_OK && from->public_label != NULL)
        add(change, from->public_label, NULL, 0);
    return status;
}

otter_status pki_adopt(struct pki *pki, const char *from, const char *to,
                       const struct kv_item *with, uint32_t with_count)
{
    const struct pki_object *old = pki_find(pki, to), *new = pki_find(pki, from);
    struct change change = {.count = 0};
    struct pki_public public;
    if (old == NULL || new == NULL || old->type != new->type || old->type == PKI_PUBLIC_KEY ||
        with_count > PKI_WITH_MAX)
        return OTTER_E_ARGUMENT;
    const bool is_key = old->type == PKI_PRIVATE_KEY;
    const otter_status status =
        is_key ? move_key(pki, &change, new, old, &public) : add_cert(pki, &change, from, to);
    if (status != OTTER_OK)
        return status;
    for (uint32_t i = 0; i < with_count; i++)
        change.items[change.count++] = with[i];
    return is_key ? pki->keys->move(pki->keys_ctx, new, old, change.items, change.count)
                  : kv_set_all(pki->kv, change.items, change.count);
}
