/* Calls of the AWS CLI, and what their answers mean. */
#include "tool/provision_cloud.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/child.h"
#include "tool/provision_cloud.h"

#define WORDS_MAX   32u
#define PATIENCE_MS 120000u

/* Below its own topics, and those that the reference integrations publish telemetry to. */
static const char policy_document[] =
    "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n"
    "    {\"Effect\": \"Allow\", \"Action\": \"iot:Connect\",\n"
    "     \"Resource\": \"arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}\"},\n"
    "    {\"Effect\": \"Allow\", \"Action\": [\"iot:Publish\", \"iot:Receive\"],\n"
    "     \"Resource\": "
    "[\"arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*\",\n"
    "                  \"arn:aws:iot:*:*:topic/${iot:Connection.Thing.ThingName}/*\"]},\n"
    "    {\"Effect\": \"Allow\", \"Action\": \"iot:Subscribe\",\n"
    "     \"Resource\": "
    "[\"arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*\",\n"
    "                  \"arn:aws:iot:*:*:topicfilter/${iot:Connection.Thing.ThingName}/*\"]}\n  "
    "]\n}\n";

struct path {
    char text[128];
};

static struct path path_of(const struct provision_cloud *cloud, const char *name)
{
    struct path path;
    snprintf(path.text, sizeof path.text, "%s/%s", cloud->folder, name);
    return path;
}

otter_status cloud_begin(struct provision_cloud *cloud, struct failure *failure)
{
    const char *place = getenv("TMPDIR");
    snprintf(cloud->folder, sizeof cloud->folder, "%.40s/otter-provision-XXXXXX",
             place != NULL && strlen(place) <= 40 ? place : "/tmp");
    return mkdtemp(cloud->folder) != NULL
               ? OTTER_OK
               : failed(failure, OTTER_E_IO, "cannot make a folder %s", cloud->folder);
}

void cloud_end(struct provision_cloud *cloud)
{
    static const char *const names[] = {"answer", "said", "document"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path_of(cloud, names[i]).text);
    rmdir(cloud->folder);
}

static otter_status write_document(const struct provision_cloud *cloud, const char *text,
                                   struct failure *failure)
{
    const struct path path = path_of(cloud, "document");
    FILE *file = fopen(path.text, "w");
    const bool done = file != NULL && fputs(text, file) >= 0;
    if (file == NULL || fclose(file) != 0 || !done)
        return failed(failure, OTTER_E_IO, "cannot write %s", path.text);
    return OTTER_OK;
}

/* ---- The CLI --------------------------------------------------------------------------------- */

/* What stands before the words: "otter aws --dir DIR" or "aws --profile NAME --region NAME". */
static unsigned put_program(const struct provision_cloud *cloud, const char *argv[],
                            const char *otter)
{
    const char *chosen = getenv("OTTER_AWS_CLI");
    unsigned count = 0;
    if (cloud->dir != NULL) {
        argv[count++] = otter;
        argv[count++] = "aws";
        argv[count++] = "--dir";
        argv[count++] = cloud->dir;
        return count;
    }
    argv[count++] = chosen != NULL && *chosen != '\0' ? chosen : "aws";
    if (cloud->profile != NULL) {
        argv[count++] = "--profile";
        argv[count++] = cloud->profile;
    }
    if (cloud->region != NULL) {
        argv[count++] = "--region";
        argv[count++] = cloud->region;
    }
    return count;
}

static void show_command(const char *const argv[])
{
    printf("   $ %s", strstr(argv[0], "/otter") != NULL ? "otter" : argv[0]);
    for (unsigned i = 1; argv[i] != NULL; i++)
        printf(strpbrk(argv[i], " $*\"{") != NULL ? " '%s'" : " %s", argv[i]);
    printf("\n");
    fflush(stdout);
}

/* The first line that the CLI said, for a failure. */
static void read_said(const struct provision_cloud *cloud, char *text, size_t size)
{
    text[0] = '\0';
    FILE *file = fopen(path_of(cloud, "said").text, "r");
    while (file != NULL && fgets(text, (int)size, file) != NULL && text[0] == '\n')
        ;
    if (file != NULL)
        fclose(file);
    text[strcspn(text, "\n")] = '\0';
}

/* Runs the CLI; its JSON, JSON null when it printed none, NULL with a failure when it failed. */
static json_t *call(const struct provision_cloud *cloud, const char *const words[],
                    struct failure *failure)
{
    char otter[4200];
    char said[300];
    const char *argv[WORDS_MAX];
    snprintf(otter, sizeof otter, "%s/otter", program_directory());
    unsigned count = put_program(cloud, argv, otter);
    for (unsigned i = 0; words[i] != NULL && count + 3 < WORDS_MAX; i++)
        argv[count++] = words[i];
    argv[count] = NULL;
    if (!cloud->quiet)
        show_command(argv);
    argv[count++] = "--output";
    argv[count++] = "json";
    argv[count] = NULL;
    const struct path answer = path_of(cloud, "answer"), errors = path_of(cloud, "said");
    unlink(answer.text);
    unlink(errors.text);
    struct child child;
    const struct child_io io = {.output = answer.text, .errors = errors.text};
    if (!child_start(&child, "aws", (char *const *)argv, &io) || !child_wait(&child, PATIENCE_MS)) {
        child_stop(&child, 1000);
        failed(failure, OTTER_E_TIMEOUT, "the AWS CLI does not come to an end: %s %s", words[0],
               words[1]);
        return NULL;
    }
    if (child.exit_code != 0) {
        read_said(cloud, said, sizeof said);
        failed(failure, OTTER_E_REFUSED, "aws %s %s: %s", words[0], words[1], said);
        return NULL;
    }
    json_t *result = json_load_file(answer.text, JSON_DECODE_ANY, NULL);
    return result != NULL ? result : json_null();
}

/* For calls whose answer says nothing. */
static otter_status run(const struct provision_cloud *cloud, const char *const words[],
                        struct failure *failure)
{
    json_t *answer = call(cloud, words, failure);
    if (answer == NULL)
        return OTTER_E_REFUSED;
    json_decref(answer);
    return OTTER_OK;
}

static const char *text_of(const json_t *answer, const char *name)
{
    const char *text = json_string_value(json_object_get(answer, name));
    return text != NULL ? text : "";
}

/* ---- Where the cloud is ---------------------------------------------------------------------- */

static void read_facts(const struct provision_cloud *cloud, struct provision_endpoint *endpoint)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/cloud.json", cloud->dir);
    json_t *facts = json_load_file(path, 0, NULL);
    snprintf(endpoint->port, sizeof endpoint->port, "%lld",
             (long long)json_integer_value(json_object_get(facts, "mqtt_port")));
    snprintf(endpoint->root_ca, sizeof endpoint->root_ca, "%s", text_of(facts, "root_ca"));
    json_decref(facts);
}

otter_status cloud_find(struct provision_cloud *cloud, struct provision_endpoint *endpoint,
                        struct failure *failure)
{
    static const char *const identity[] = {"sts", "get-caller-identity", NULL};
    static const char *const describe[] = {"iot", "describe-endpoint", "--endpoint-type",
                                           "iot:Data-ATS", NULL};
    *endpoint = (struct provision_endpoint){0};
    json_t *answer = call(cloud, identity, failure);
    if (answer == NULL)
        return OTTER_E_REFUSED;
    snprintf(endpoint->account, sizeof endpoint->account, "%s", text_of(answer, "Account"));
    json_decref(answer);
    answer = call(cloud, describe, failure);
    if (answer == NULL)
        return OTTER_E_REFUSED;
    const char *address = text_of(answer, "endpointAddress");
    snprintf(endpoint->host, sizeof endpoint->host, "%.*s", (int)strcspn(address, ":"), address);
    json_decref(answer);
    if (cloud->dir != NULL)
        read_facts(cloud, endpoint);
    return OTTER_OK;
}

/* ---- Certificates ---------------------------------------------------------------------------- */

/* AWS IoT's id of a certificate: the SHA-256 of its DER, in hex. */
static bool certificate_id(const char *pem, char id[65])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *certificate = text != NULL ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;
    const bool done =
        certificate != NULL && X509_digest(certificate, EVP_sha256(), digest, &length) == 1;
    for (size_t i = 0; done && i < 32; i++)
        snprintf(id + 2 * i, 3, "%02x", digest[i]);
    X509_free(certificate);
    BIO_free(text);
    return done;
}

bool cloud_knows(struct provision_cloud *cloud, const char *pem, char arn[CLOUD_ARN_MAX])
{
    char id[65];
    struct failure unused;
    if (!certificate_id(pem, id))
        return false;
    const char *words[] = {"iot", "describe-certificate", "--certificate-id", id, NULL};
    json_t *answer = call(cloud, words, &unused);
    const json_t *description = json_object_get(answer, "certificateDescription");
    const bool active = strcmp(text_of(description, "status"), "ACTIVE") == 0;
    if (active)
        snprintf(arn, CLOUD_ARN_MAX, "%s", text_of(description, "certificateArn"));
    json_decref(answer);
    return active;
}

otter_status cloud_register(struct provision_cloud *cloud, const char *pem, char arn[CLOUD_ARN_MAX],
                            struct failure *failure)
{
    char file[160];
    if (write_document(cloud, pem, failure) != OTTER_OK)
        return OTTER_E_IO;
    snprintf(file, sizeof file, "file://%s", path_of(cloud, "document").text);
    const char *words[] = {
        "iot", "register-certificate-without-ca", "--status", "ACTIVE", "--certificate-pem", file,
        NULL};
    json_t *answer = call(cloud, words, failure);
    if (answer == NULL)
        return OTTER_E_REFUSED;
    snprintf(arn, CLOUD_ARN_MAX, "%s", text_of(answer, "certificateArn"));
    json_decref(answer);
    return OTTER_OK;
}

otter_status cloud_issue(struct provision_cloud *cloud, const char *csr, char arn[CLOUD_ARN_MAX],
                         char *pem, size_t size, struct failure *failure)
{
    char file[160];
    if (write_document(cloud, csr, failure) != OTTER_OK)
        return OTTER_E_IO;
    snprintf(file, sizeof file, "file://%s", path_of(cloud, "document").text);
    const char *words[] = {"iot",
                           "create-certificate-from-csr",
                           "--set-as-active",
                           "--certificate-signing-request",
                           file,
                           NULL};
    json_t *answer = call(cloud, words, failure);
    if (answer == NULL)
        return OTTER_E_REFUSED;
    snprintf(arn, CLOUD_ARN_MAX, "%s", text_of(answer, "certificateArn"));
    snprintf(pem, size, "%s", text_of(answer, "certificatePem"));
    json_decref(answer);
    return OTTER_OK;
}

/* ---- Thing and policy ------------------------------------------------------------------------ */

/* One that is there stays as it is. */
static otter_status ensure_policy(struct provision_cloud *cloud, const char *policy,
                                  struct failure *failure)
{
    char file[160];
    if (write_document(cloud, policy_document, failure) != OTTER_OK)
        return OTTER_E_IO;
    snprintf(file, sizeof file, "file://%s", path_of(cloud, "document").text);
    const char *create[] = {
        "iot", "create-policy", "--policy-name", policy, "--policy-document", file, NULL};
    const otter_status status = run(cloud, create, failure);
    return status == OTTER_OK || strstr(failure->text, "ResourceAlreadyExists") != NULL ? OTTER_OK
                                                                                        : status;
}

otter_status cloud_attach(struct provision_cloud *cloud, const char *thing, const char *policy,
                          const char *arn, struct failure *failure)
{
    const char *create[] = {"iot", "create-thing", "--thing-name", thing, NULL};
    const char *principal[] = {
        "iot", "attach-thing-principal", "--thing-name", thing, "--principal", arn, NULL};
    const char *allow[] = {"iot", "attach-policy", "--policy-name", policy, "--target", arn, NULL};
    otter_status status = run(cloud, create, failure);
    if (status == OTTER_OK)
        status = run(cloud, principal, failure);
    if (status == OTTER_OK)
        status = ensure_policy(cloud, policy, failure);
    return status == OTTER_OK ? run(cloud, allow, failure) : status;
}

otter_status cloud_retire(struct provision_cloud *cloud, const char *thing, const char *arn,
                          struct failure *failure)
{
    const char *slash = strrchr(arn, '/');
    const char *detach[] = {
        "iot", "detach-thing-principal", "--thing-name", thing, "--principal", arn, NULL};
    const char *update[] = {"iot",
                            "update-certificate",
                            "--certificate-id",
                            slash != NULL ? slash + 1 : arn,
                            "--new-status",
                            "INACTIVE",
                            NULL};
    struct failure unused;
    (void)run(cloud, detach, &unused); /* it may have been another thing's */
    return run(cloud, update, failure);
}
