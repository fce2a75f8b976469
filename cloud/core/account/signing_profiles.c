/* Signing profiles: a platform, a certificate, and parameters for the devices. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/signing.h"
#include "cloud/core/account/signing_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/store/db.h"

#define VERSION_LENGTH  10
#define VALIDITY_MONTHS 135

static const struct signing_platform platforms[] = {
    {"AmazonFreeRTOS-Default", "Amazon FreeRTOS", "EC_prime256v1", "SHA256", "sha256", "ecdsa",
     "SHA256withECDSA"},
    {"AWSIoTDeviceManagement-SHA256-ECDSA", "AWS IoT Device Management SHA256-ECDSA",
     "EC_prime256v1", "SHA256", "sha256", "ecdsa", "SHA256withECDSA"},
    {"AmazonFreeRTOS-TI-CC3220SF", "Amazon FreeRTOS-TI CC3220SF", "RSA_", "SHA1", "sha1", "rsa",
     "SHA1withRSA"},
};

const struct signing_platform *signing_platform_find(const char *id)
{
    for (size_t i = 0; id && i < sizeof platforms / sizeof *platforms; i++) {
        if (strcmp(platforms[i].id, id) == 0)
            return &platforms[i];
    }
    return NULL;
}

bool signing_platform_takes(const struct signing_platform *platform, EVP_PKEY *key)
{
    char algorithm[64];
    x509_key_algorithm(key, algorithm, sizeof algorithm);
    return strncmp(algorithm, platform->key_algorithm, strlen(platform->key_algorithm)) == 0;
}

/* ---- put ---- */

static enum core_error check_key(struct cloud *cloud, const struct signing_platform *platform,
                                 const char *arn, struct answer *answer)
{
    enum core_error error = CORE_OK;
    EVP_PKEY *key = signing_key_load(cloud, arn);
    if (!key)
        error =
            answer_refuse(answer, CORE_NOT_FOUND,
                          "signingMaterial.certificateArn %.150s does not exist: import it with "
                          "acm import-certificate.",
                          arn);
    else if (!signing_platform_takes(platform, key))
        error =
            answer_refuse(answer, CORE_INVALID_REQUEST,
                          "Platform %s signs with a key of kind %s; the certificate has another.",
                          platform->id, platform->key_algorithm);
    EVP_PKEY_free(key);
    return error;
}

static enum core_error check_members(struct cloud *cloud, const char *name, const json_t *members,
                                     struct answer *answer)
{
    const char *id = json_text(members, "platformId");
    const char *arn = json_text(json_object_get(members, "signingMaterial"), "certificateArn");
    const json_t *parameters = json_object_get(members, "signingParameters");
    const struct signing_platform *platform = signing_platform_find(id);

    if (!name_valid(name, 64, "_") || strlen(name) < 2)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "profileName must be 2 to 64 of a-z A-Z 0-9 _");
    if (!platform)
        return answer_refuse(
            answer, CORE_INVALID_REQUEST,
            "platformId %.60s is not known here; AmazonFreeRTOS-Default, "
            "AmazonFreeRTOS-TI-CC3220SF and AWSIoTDeviceManagement-SHA256-ECDSA are.",
            id ? id : "(none)");
    if (!arn)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "signingMaterial.certificateArn is required for platform %s.", id);
    if (parameters && !json_is_object(parameters))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "signingParameters must be a map.");
    return check_key(cloud, platform, arn, answer);
}

static void answer_put(struct cloud *cloud, const char *name, const char *version,
                       struct answer *answer)
{
    answer->body = json_pack(
        "{s:s,s:s,s:s}", "arn", arn_make(cloud, "signer", "/signing-profiles/%s", name).text,
        "profileVersion", version, "profileVersionArn",
        arn_make(cloud, "signer", "/signing-profiles/%s/%s", name, version).text);
}

enum core_error profile_put(struct cloud *cloud, const char *name, const json_t *members,
                            struct answer *answer)
{
    enum core_error error = check_members(cloud, name, members, answer);
    if (error)
        return error;
    const json_t *given = json_object_get(members, "signingParameters");
    char *parameters = given ? json_dumps(given, JSON_COMPACT) : strdup("{}");
    char version[VERSION_LENGTH + 1];
    random_text(version, VERSION_LENGTH,
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO signing_profiles(name, version, platform, certificate_arn,"
               " parameters_json, status, created) VALUES(?, ?, ?, ?, ?, 'Active', ?)",
               "sssssi", name, version, json_text(members, "platformId"),
               json_text(json_object_get(members, "signingMaterial"), "certificateArn"), parameters,
               cloud_now(cloud));
    free(parameters);
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Profile with name %s already exists: profiles never change, and the "
                             "name of a canceled one stays taken.",
                             name);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer_put(cloud, name, version, answer);
    return CORE_OK;
}

/* ---- get, list, cancel ---- */

#define COLUMNS "name, version, platform, certificate_arn, parameters_json, status"

static json_t *profile_of_row(struct cloud *cloud, struct db_rows *rows)
{
    const char *name = db_text(rows, 0), *version = db_text(rows, 1);
    const struct signing_platform *platform = signing_platform_find(db_text(rows, 2));
    return json_pack(
        "{s:s,s:s,s:s,s:{s:s},s:s,s:s,s:{s:i,s:s},s:o,s:s,s:s}", "profileName", name,
        "profileVersion", version, "profileVersionArn",
        arn_make(cloud, "signer", "/signing-profiles/%s/%s", name, version).text, "signingMaterial",
        "certificateArn", db_text(rows, 3), "platformId", db_text(rows, 2), "platformDisplayName",
        platform ? platform->display_name : db_text(rows, 2), "signatureValidityPeriod", "value",
        VALIDITY_MONTHS, "type", "MONTHS", "signingParameters", json_stored(db_text(rows, 4), "{}"),
        "status", db_text(rows, 5), "arn",
        arn_make(cloud, "signer", "/signing-profiles/%s", name).text);
}

static enum core_error not_found(const char *name, struct answer *answer)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "Profile not found with the given name: %.64s",
                         name);
}

enum core_error profile_get(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT " COLUMNS " FROM signing_profiles WHERE name = ?", "s", name);
    if (db_next(rows))
        answer->body = profile_of_row(cloud, rows);
    db_done(rows);
    return answer->body ? CORE_OK : not_found(name, answer);
}

enum core_error profile_list(struct cloud *cloud, bool canceled, struct answer *answer)
{
    json_t *profiles = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT " COLUMNS " FROM signing_profiles WHERE ? OR status <> 'Canceled' ORDER BY name",
        "i", (int64_t)canceled);
    while (db_next(rows))
        json_array_append_new(profiles, profile_of_row(cloud, rows));
    db_done(rows);
    answer->body = json_pack("{s:o}", "profiles", profiles);
    return CORE_OK;
}

enum core_error profile_cancel(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (db_run(cloud->db, "UPDATE signing_profiles SET status = 'Canceled' WHERE name = ?", "s",
               name) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return db_changes(cloud->db) ? CORE_OK : not_found(name, answer);
}
