/* Images and the key of their code signature, made once for all worlds. */
#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>

#include "tests/sim/boot/sim_image.h"
#include "tests/sim/nor_cut.h"
#include "tests/sim/ota/world_internal.h"

static mbedtls_pk_context signer;
static char signer_pem[512];

static int pattern(void *state, unsigned char *out, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[i] = (unsigned char)nor_noise(state);
    return 0;
}

static void make_signer(void)
{
    static uint32_t state = 12345;
    if (signer_pem[0] != '\0')
        return;
    mbedtls_pk_init(&signer);
    world_must(mbedtls_pk_setup(&signer, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0 &&
                   mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(signer), pattern,
                                       &state) == 0 &&
                   mbedtls_pk_write_pubkey_pem(&signer, (unsigned char *)signer_pem,
                                               sizeof signer_pem) == 0,
               "cannot make the signer's key");
}

const char *world_signer_pem(void)
{
    make_signer();
    return signer_pem;
}

void world_sign(struct world_image *image)
{
    static uint32_t state = 54321;
    struct image_sha256 sha;
    uint8_t digest[32];
    make_signer();
    image_sha256_init(&sha);
    image_sha256_update(&sha, image->bytes, image->size);
    image_sha256_finish(&sha, digest);
    world_must(mbedtls_pk_sign(&signer, MBEDTLS_MD_SHA256, digest, sizeof digest, image->signature,
                               &image->signature_length, pattern, &state) == 0,
               "cannot sign");
}

static const struct world_image *make(uint8_t number, uint32_t end, bool good_key,
                                      const struct sim_image_options *wanted)
{
    static struct {
        struct world_image image;
        uint8_t number;
        bool good_key;
        struct sim_image_options options;
    } made[40];
    static unsigned count;
    struct sim_image_options options = *wanted;
    if (WORLD_XIP_BASE != 0)
        options.rom_address = WORLD_XIP_BASE + (number % 2 == 0 ? WORLD_SLOT_SIZE : 0);
    for (unsigned i = 0; i < count; i++) {
        if (made[i].number == number && made[i].image.size == end && made[i].good_key == good_key &&
            made[i].options.needs_image == options.needs_image &&
            made[i].options.needs_version == options.needs_version &&
            made[i].options.device_class == options.device_class)
            return &made[i].image;
    }
    world_must(count < 40, "too many images");
    struct world_image *image = &made[count].image;
    made[count].number = number;
    made[count].options = options;
    made[count++].good_key = good_key;
    image->size = end;
    sim_image_make_with(image->bytes, end, number, good_key ? SIM_KEY : SIM_KEY + 1, &options);
    world_sign(image);
    return image;
}

const struct world_image *world_image(uint8_t number, uint32_t end, bool good_key)
{
    return make(number, end, good_key, &(struct sim_image_options){0});
}

const struct world_image *world_image_needing(uint8_t number, uint32_t end, uint8_t needs_image,
                                              uint8_t needs)
{
    return make(number, end, true,
                &(struct sim_image_options){.needs_image = needs_image, .needs_version = needs});
}

const struct world_image *world_image_of_class(uint8_t number, uint32_t end, uint8_t device_class)
{
    return make(number, end, true, &(struct sim_image_options){.device_class = device_class});
}
