/* Firmware update as a service of the secure world (PSA Firmware Update API 1.0; names, states and
 * results are that specification's).
 *
 *                start        write*, finish      install      request_reboot       accept
 *   READY ──────────► WRITING ──────► CANDIDATE ──────► STAGED ──── reset ────► TRIAL ───► UPDATED
 *     ▲                  │ cancel         │ cancel         │ reject                │ reject
 *     └──── clean ──── FAILED ◄───────────┴────────────────┘◄──── reset ──── REJECTED
 *
 * All states survive a reset, WRITING too: a download goes on where it stopped. A trial that ends
 * in a reset without accept is FAILED, the bootloader has brought the old image back. Components
 * that were installed together are tried, kept and taken back together, whenever power is cut.
 *
 * Results beside those named at a function: PSA_ERROR_DOES_NOT_EXIST for an unknown component,
 * _BAD_STATE, _INVALID_ARGUMENT, _STORAGE_FAILURE. */
#ifndef OTTER_SECURE_UPDATE_H
#define OTTER_SECURE_UPDATE_H

#include <stddef.h>
#include <stdint.h>

#include <psa/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_FWU_MAX_WRITE_SIZE 4096u
#define PSA_FWU_READY          0u
#define PSA_FWU_WRITING        1u
#define PSA_FWU_CANDIDATE      2u
#define PSA_FWU_STAGED         3u
#define PSA_FWU_FAILED         4u
#define PSA_FWU_TRIAL          5u
#define PSA_FWU_REJECTED       6u
#define PSA_FWU_UPDATED        7u

#define PSA_SUCCESS_REBOOT          ((psa_status_t)1)
#define PSA_SUCCESS_RESTART         ((psa_status_t)2)
#define PSA_ERROR_DEPENDENCY_NEEDED ((psa_status_t)-156)

/* The secure program itself, and the firmware of the non-secure world: numbers of the bootloader's
 * images, as TF-M has them. */
#define FWU_COMPONENT_SECURE   0u
#define FWU_COMPONENT_FIRMWARE 1u
#define FWU_COMPONENTS         2u

typedef uint8_t psa_fwu_component_t;

typedef struct {
    uint8_t major;
    uint8_t minor;
    uint16_t patch;
    uint32_t build;
} psa_fwu_image_version_t;

/* SHA-256 of the whole file, as written, of a CANDIDATE; zeros in other states, and from an
 * implementation that has none. */
typedef struct {
    uint8_t candidate_digest[32];
} psa_fwu_impl_info_t;

typedef struct {
    uint8_t state;
    psa_status_t error;              /* why the last update FAILED or was REJECTED */
    psa_fwu_image_version_t version; /* of what is active; zeros where it has no valid header */
    uint32_t max_size;               /* of an image */
    uint32_t flags;
    uint32_t location; /* 0: image offsets count from the start of the file */
    psa_fwu_impl_info_t impl;
} psa_fwu_component_info_t;

psa_status_t psa_fwu_query(psa_fwu_component_t component, psa_fwu_component_info_t *info);

/* What the slot holds goes as blocks come. Manifests are not taken (PSA_ERROR_NOT_SUPPORTED). */
psa_status_t psa_fwu_start(psa_fwu_component_t component, const void *manifest,
                           size_t manifest_size);
/* The offset a multiple of the flash's write unit, the size too but for the last of the image. A
 * block that begins a sector erases it, so that sectors come in any order, and again after a power
 * cut that tore one; blocks within a sector come behind the one that begins it, each place once
 * (PSA_ERROR_STORAGE_FAILURE). */
psa_status_t psa_fwu_write(psa_fwu_component_t component, size_t image_offset, const void *block,
                           size_t block_size);
/* Checks structure, hash and signature of the image, with the keys of the bootloader, that its
 * class is that of what runs, and its version not below; for one that is refused
 * PSA_ERROR_INVALID_SIGNATURE, for one that is too old PSA_ERROR_NOT_PERMITTED, and the state
 * becomes FAILED. */
psa_status_t psa_fwu_finish(psa_fwu_component_t component);
psa_status_t psa_fwu_cancel(psa_fwu_component_t component);
psa_status_t psa_fwu_clean(psa_fwu_component_t component);
/* All candidates, as one step. PSA_SUCCESS_REBOOT: a reset makes them run.
 * PSA_ERROR_DEPENDENCY_NEEDED, and they stay candidates: one needs another component to be newer
 * than what runs or is a candidate; or two are candidates that do not need each other, each in the
 * version that comes: then a power cut could bring one without the other. Nothing is installed
 * while anything is STAGED or on trial. */
psa_status_t psa_fwu_install(void);
/* Does not come back. */
psa_status_t psa_fwu_request_reboot(void);
/* PSA_SUCCESS_REBOOT from TRIAL: a reset brings the old images back, of all that is on trial. */
psa_status_t psa_fwu_reject(psa_status_t error);
/* All that is on trial. */
psa_status_t psa_fwu_accept(void);

#ifdef __cplusplus
}
#endif

#endif
