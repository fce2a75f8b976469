/* The secure side of the gates; see gate.h. Nothing that comes from the other world is believed: a
 * pointer is used once the processor has said that all of what it points at is the other world's,
 * and small things are worked on in copies, because an interrupt there may change them meanwhile.
 * Only what the processor knows is asked, so the memory's own protection must say the same. */
#include "secure/gate.h"

#include <stdbool.h>
#include <string.h>

#include <arm_cmse.h>

#include "port/port.h"
#include "port/wipe.h"
#include "secure/gate_side.h"
#include "secure/secure.h"

#define GATE __attribute__((cmse_nonsecure_entry))

/* An interrupt of the other world may come in the middle of a call and call, too. It ends before
 * the first call goes on, so that this needs no more. */
static volatile bool busy;

bool gate_enter(void)
{
    if (busy)
        return false;
    busy = true;
    return true;
}

int32_t gate_leave(int32_t result)
{
    busy = false;
    return result;
}

bool gate_may_read(const void *from, uint32_t size)
{
    return size == 0 || cmse_check_address_range((void *)(uintptr_t)from, size,
                                                 CMSE_NONSECURE | CMSE_MPU_READ) != NULL;
}

bool gate_may_write(void *to, uint32_t size)
{
    return size == 0 ||
           cmse_check_address_range(to, size, CMSE_NONSECURE | CMSE_MPU_READWRITE) != NULL;
}

static bool take(void *copy, const void *from, uint32_t size)
{
    if (!gate_may_read(from, size))
        return false;
    memcpy(copy, from, size);
    return true;
}

static bool give(void *to, const void *from, uint32_t size)
{
    if (!gate_may_write(to, size))
        return false;
    memcpy(to, from, size);
    return true;
}

/* ---- Keys -------------------------------------------------------------------------------------
 */

static bool take_attributes(psa_key_attributes_t *attributes, const struct gate_attributes *from)
{
    struct gate_attributes copy;
    psa_key_attributes_t taken = PSA_KEY_ATTRIBUTES_INIT;
    if (!take(&copy, from, sizeof copy))
        return false;
    psa_set_key_id(&taken, copy.id);
    psa_set_key_type(&taken, copy.type);
    psa_set_key_bits(&taken, copy.bits);
    psa_set_key_usage_flags(&taken, copy.usage);
    psa_set_key_algorithm(&taken, copy.algorithm);
    *attributes = taken;
    return true;
}

static int32_t make_key(const struct gate_attributes *from, const uint8_t *data, uint32_t length)
{
    psa_key_attributes_t attributes;
    psa_key_id_t id;
    uint8_t copy[GATE_KEY_MAX];
    int32_t result = PSA_ERROR_INVALID_ARGUMENT;
    if (!take_attributes(&attributes, from))
        return result;
    if (data == NULL)
        return length == 0 ? psa_generate_key(&attributes, &id)
                           : psa_copy_key(length, &attributes, &id);
    if (length <= sizeof copy && take(copy, data, length))
        result = psa_import_key(&attributes, copy, length, &id);
    port_wipe(copy, sizeof copy);
    return result;
}

static int32_t export_public_key(uint32_t id, uint8_t *data, uint32_t size)
{
    uint8_t copy[GATE_OUT_MAX];
    size_t length = 0;
    const psa_status_t result =
        psa_export_public_key(id, copy, size < sizeof copy ? size : sizeof copy, &length);
    if (result != PSA_SUCCESS)
        return result;
    return give(data, copy, (uint32_t)length) ? (int32_t)length : PSA_ERROR_INVALID_ARGUMENT;
}

static int32_t sign_hash(const struct gate_sign *from)
{
    struct gate_sign call;
    uint8_t hash[GATE_HASH_MAX], signature[GATE_OUT_MAX];
    size_t length = 0;
    if (!take(&call, from, sizeof call) || call.hash_length > sizeof hash ||
        !take(hash, call.hash, call.hash_length))
        return PSA_ERROR_INVALID_ARGUMENT;
    if (!gate_may_write(call.signature, call.signature_size))
        return PSA_ERROR_INVALID_ARGUMENT;
    const size_t size =
        call.signature_size < sizeof signature ? call.signature_size : sizeof signature;
    const psa_status_t result =
        psa_sign_hash(call.id, call.algorithm, hash, call.hash_length, signature, size, &length);
    if (result != PSA_SUCCESS)
        return result;
    return give(call.signature, signature, (uint32_t)length) ? (int32_t)length
                                                             : PSA_ERROR_INVALID_ARGUMENT;
}

static int32_t generate_random(uint8_t *output, uint32_t size)
{
    uint8_t copy[GATE_RANDOM_MAX];
    if (size > sizeof copy || !gate_may_write(output, size))
        return PSA_ERROR_INVALID_ARGUMENT;
    const psa_status_t result = psa_generate_random(copy, size);
    if (result == PSA_SUCCESS)
        memcpy(output, copy, size);
    port_wipe(copy, sizeof copy);
    return result;
}

GATE int32_t gate_make_key(const struct gate_attributes *attributes, const uint8_t *data,
                           uint32_t length)
{
    return gate_enter() ? gate_leave(make_key(attributes, data, length)) : PSA_ERROR_BAD_STATE;
}

GATE int32_t gate_export_public_key(uint32_t id, uint8_t *data, uint32_t size)
{
    return gate_enter() ? gate_leave(export_public_key(id, data, size)) : PSA_ERROR_BAD_STATE;
}

GATE int32_t gate_destroy_key(uint32_t id)
{
    return gate_enter() ? gate_leave(psa_destroy_key(id)) : PSA_ERROR_BAD_STATE;
}

GATE int32_t gate_sign_hash(const struct gate_sign *call)
{
    return gate_enter() ? gate_leave(sign_hash(call)) : PSA_ERROR_BAD_STATE;
}

GATE int32_t gate_generate_random(uint8_t *output, uint32_t size)
{
    return gate_enter() ? gate_leave(generate_random(output, size)) : PSA_ERROR_BAD_STATE;
}

GATE int32_t gate_seal(void)
{
    return gate_enter() ? gate_leave(secure_seal()) : PSA_ERROR_BAD_STATE;
}

/* ---- Trusted storage --------------------------------------------------------------------------
 */

/* What is longer than any value is cut to what tells the service so. */
static int32_t its(uint32_t action, const struct gate_its *from)
{
    struct gate_its call;
    struct psa_storage_info_t info;
    uint8_t value[PSA_ITS_VALUE_MAX];
    size_t length = 0;
    psa_status_t result = PSA_ERROR_INVALID_ARGUMENT;
    if (!take(&call, from, sizeof call))
        return result;
    const uint32_t size = call.length < sizeof value ? call.length : sizeof value;
    const enum secure_space space = (action & GATE_PS) != 0 ? SECURE_PS : SECURE_ITS;
    switch (action & ~(uint32_t)GATE_PS) {
    case GATE_ITS_SET:
        if (take(value, call.data, size))
            result = secure_storage_set(space, call.uid, call.length, value, call.offset_or_flags);
        return result;
    case GATE_ITS_GET:
        result = secure_storage_get(space, call.uid, call.offset_or_flags, size, value, &length);
        if (result == PSA_SUCCESS)
            result = give(call.data, value, (uint32_t)length) ? (int32_t)length
                                                              : PSA_ERROR_INVALID_ARGUMENT;
        return result;
    case GATE_ITS_GET_INFO:
        result = secure_storage_get_info(space, call.uid, &info);
        if (result == PSA_SUCCESS && !give(call.data, &info, sizeof info))
            result = PSA_ERROR_INVALID_ARGUMENT;
        return result;
    case GATE_ITS_REMOVE:
        return secure_storage_remove(space, call.uid);
    default:
        return result;
    }
}

GATE int32_t gate_its(uint32_t action, const struct gate_its *call)
{
    return gate_enter() ? gate_leave(its(action, call)) : PSA_ERROR_BAD_STATE;
}

/* ---- Firmware update --------------------------------------------------------------------------
 */

/* A component is a byte; what does not fit is none of ours. */
static psa_fwu_component_t component_of(uint32_t component)
{
    return component <= UINT8_MAX ? (psa_fwu_component_t)component : UINT8_MAX;
}

static int32_t fwu_query(uint32_t component, psa_fwu_component_info_t *info)
{
    psa_fwu_component_info_t found;
    const psa_status_t result = psa_fwu_query(component_of(component), &found);
    return result != PSA_SUCCESS || give(info, &found, sizeof found) ? result
                                                                     : PSA_ERROR_INVALID_ARGUMENT;
}

/* A block goes to flash from where it lies: see psa_fwu_write. */
static int32_t fwu_write(uint32_t component, uint32_t offset, const void *block, uint32_t size)
{
    return gate_may_read(block, size) ? psa_fwu_write(component_of(component), offset, block, size)
                                      : PSA_ERROR_INVALID_ARGUMENT;
}

GATE int32_t gate_fwu_query(uint32_t component, psa_fwu_component_info_t *info)
{
    return gate_enter() ? gate_leave(fwu_query(component, info)) : PSA_ERROR_BAD_STATE;
}

static int32_t act(uint32_t action, psa_fwu_component_t component, uint32_t value)
{
    switch (action) {
    case GATE_FWU_START:
        return psa_fwu_start(component, NULL, value);
    case GATE_FWU_FINISH:
        return psa_fwu_finish(component);
    case GATE_FWU_CANCEL:
        return psa_fwu_cancel(component);
    case GATE_FWU_CLEAN:
        return psa_fwu_clean(component);
    case GATE_FWU_INSTALL:
        return psa_fwu_install();
    case GATE_FWU_REJECT:
        return psa_fwu_reject((psa_status_t)value);
    case GATE_FWU_ACCEPT:
        return psa_fwu_accept();
    default:
        return PSA_ERROR_INVALID_ARGUMENT;
    }
}

GATE int32_t gate_fwu(uint32_t action, uint32_t component, uint32_t value)
{
    return gate_enter() ? gate_leave(act(action, component_of(component), value))
                        : PSA_ERROR_BAD_STATE;
}

GATE int32_t gate_fwu_write(uint32_t component, uint32_t offset, const void *block, uint32_t size)
{
    return gate_enter() ? gate_leave(fwu_write(component, offset, block, size))
                        : PSA_ERROR_BAD_STATE;
}

/* What this address was is gone; gates do not move. */
GATE int32_t gate_fwu_read(void)
{
    return PSA_ERROR_NOT_SUPPORTED;
}

/* In the middle of another call, too: what is on flash survives a reset at any moment. */
GATE int32_t gate_reboot(void)
{
    return psa_fwu_request_reboot();
}

GATE void gate_feed(void)
{
    port_watchdog_feed();
}
