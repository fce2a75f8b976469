/* `otter aws`: the AWS CLI, aimed at the local cloud. It sets endpoint, region and credentials, and
 * becomes the CLI: what that does and prints is the CLI's own. */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool/command.h"

#define DIR_DEFAULT "otter-cloud"
#define LOCAL_HOSTS "127.0.0.1,localhost"

static void print_help(void)
{
    printf(
        "usage: otter aws [--dir DIR] ARGUMENT...\n"
        "\n"
        "Runs the AWS CLI on the local cloud that `otter cloud` runs in DIR: endpoint, region and\n"
        "credentials are set for it, all else is the CLI's own. Your AWS configuration files and\n"
        "profiles are neither read nor changed.\n"
        "\n"
        "  --dir DIR     folder of the running cloud (default: " DIR_DEFAULT ")\n"
        "  --help        this text; `otter aws help` is the CLI's\n"
        "\n"
        "OTTER_AWS_CLI in the environment names the CLI to run, if not the first `aws` on the "
        "PATH.\n"
        "\n"
        "examples:\n"
        "  otter aws iot create-thing --thing-name sensor-1\n"
        "  otter aws s3 cp firmware.bin s3://updates/firmware.bin\n"
        "  otter aws --dir /tmp/cloud iot describe-job-execution \\\n"
        "      --job-id AFR_OTA-update-1 --thing-name sensor-1\n");
}

/* ---- where the cloud is ---- */

static bool alive(const json_t *facts)
{
    pid_t pid = (pid_t)json_integer_value(json_object_get(facts, "pid"));
    return pid <= 0 || kill(pid, 0) == 0 || errno == EPERM;
}

/* cloud.json of the running cloud, or NULL after having said why not. */
static json_t *read_facts(const char *dir)
{
    char path[4096];
    json_error_t where;
    if ((size_t)snprintf(path, sizeof path, "%s/cloud.json", dir) >= sizeof path) {
        fprintf(stderr, "otter aws: the path of the cloud's folder is too long\n");
        return NULL;
    }
    json_t *facts = access(path, F_OK) == 0 ? json_load_file(path, 0, &where) : NULL;
    if (facts && alive(facts))
        return facts;
    if (!facts && access(path, F_OK) == 0)
        fprintf(stderr, "otter aws: cannot read %s: %s\n", path, where.text);
    else
        fprintf(stderr,
                "otter aws: no cloud is running in %s. Start one with `otter cloud --dir %s`, or "
                "name its folder: otter aws --dir DIR ...\n",
                dir, dir);
    json_decref(facts);
    return NULL;
}

/* ---- what the CLI gets to see ---- */

/* Adds the local hosts to a list of those that no proxy is asked for. */
static void spare_proxy(const char *name)
{
    const char *present = getenv(name);
    char value[2048];
    snprintf(value, sizeof value, "%s%s" LOCAL_HOSTS, present ? present : "", present ? "," : "");
    setenv(name, value, 1);
}

static bool set_from(const json_t *facts, const char *member, const char *name)
{
    const char *value = json_string_value(json_object_get(facts, member));
    if (!value) {
        fprintf(stderr, "otter aws: cloud.json has no %s: was it written by another version?\n",
                member);
        return false;
    }
    return setenv(name, value, 1) == 0;
}

static bool set_environment(const json_t *facts)
{
    static const char *const unwanted[] = {
        "AWS_SESSION_TOKEN",   "AWS_SECURITY_TOKEN", "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE",      "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"};
    for (size_t i = 0; i < sizeof unwanted / sizeof *unwanted; i++)
        unsetenv(unwanted[i]);
    setenv("AWS_PAGER", "", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("AWS_CONFIG_FILE", "/dev/null", 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null", 1);
    spare_proxy("no_proxy");
    spare_proxy("NO_PROXY");
    const char *url = json_string_value(json_object_get(facts, "api_url"));
    if (url && strncmp(url, "https:", 6) == 0 && !set_from(facts, "root_ca", "AWS_CA_BUNDLE"))
        return false;
    return set_from(facts, "api_url", "AWS_ENDPOINT_URL") &&
           set_from(facts, "region", "AWS_REGION") &&
           set_from(facts, "region", "AWS_DEFAULT_REGION") &&
           set_from(facts, "access_key_id", "AWS_ACCESS_KEY_ID") &&
           set_from(facts, "secret_access_key", "AWS_SECRET_ACCESS_KEY");
}

/* ---- becoming the CLI ---- */

static bool names_endpoint(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--endpoint-url", 14) == 0)
            return true;
    }
    return false;
}

/* Older CLIs know the endpoint only as an option. Returns only when it failed. */
static int become_cli(int argc, char **argv)
{
    const char *chosen = getenv("OTTER_AWS_CLI");
    const char *program = chosen && *chosen ? chosen : "aws";
    char **arguments = calloc((size_t)argc + 4, sizeof *arguments);
    int count = 0;
    if (!arguments)
        return 1;
    arguments[count++] = (char *)program;
    if (!names_endpoint(argc, argv)) {
        arguments[count++] = "--endpoint-url";
        arguments[count++] = getenv("AWS_ENDPOINT_URL");
    }
    memcpy(arguments + count, argv, (size_t)argc * sizeof *argv);
    execvp(program, arguments);
    if (errno == ENOENT)
        fprintf(stderr,
                "otter aws: there is no AWS CLI `%s`. On Debian: apt-get install awscli; others: "
                "pip install awscli\n",
                program);
    else
        fprintf(stderr, "otter aws: cannot run `%s`: %s\n", program, strerror(errno));
    free(arguments);
    return 1;
}

int command_aws(int argc, char **argv)
{
    const char *dir = DIR_DEFAULT;
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--dir") == 0) {
        if (argc < 3) {
            fprintf(stderr, "otter aws: --dir needs a folder; see `otter aws --help`\n");
            return 2;
        }
        dir = argv[2];
        first = 3;
    } else if (argc > 1 && strncmp(argv[1], "--dir=", 6) == 0) {
        dir = argv[1] + 6;
        first = 2;
    }
    if (first == argc) {
        fprintf(stderr, "otter aws: what shall the AWS CLI do? See `otter aws --help`\n");
        return 2;
    }
    if (strcmp(argv[first], "--help") == 0) {
        print_help();
        return 0;
    }
    json_t *facts = read_facts(dir);
    int code = 1;
    if (facts && set_environment(facts))
        code = become_cli(argc - first, argv + first);
    json_decref(facts);
    return code;
}
