/* Writes a unit for systemd and a configuration file with every option in it; starts nothing.
 *
 * For root the service of the machine, as a user of its own that systemd makes; for anybody else
 * one of that user's. */
#include "tool/cloud_install.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 1200

/* The folder of each kind of file; a user's lie below the home folder. */
struct place {
    const char *units, *config, *state;
};
static const struct place of_machine = {"/etc/systemd/system", "/etc", "/var/lib"};
static const struct place of_user = {"/.config/systemd/user", "/.config", "/.local/share"};

struct work {
    bool whole_machine;
    const char *root; /* before all paths that are written; "" */
    char program[PATH_SIZE], unit[PATH_SIZE], config[PATH_SIZE], state[PATH_SIZE];
};

static bool fail(const char *what, const char *path)
{
    fprintf(stderr, "otter cloud: cannot %s %s: %s\n", what, path, strerror(errno));
    return false;
}

/* ---- what is written ---- */

static void write_config(FILE *file, const struct work *work)
{
    fprintf(file,
            "# The local AWS IoT, `otter cloud --config %s`. One option a line, named as on the\n"
            "# command line (`otter cloud --help` explains each); a line that begins with # says\n"
            "# nothing. Those that are commented out hold anyway, or are examples.\n"
            "\n"
            "dir = %s\n"
            "\n"
            "# Where it listens. Beyond 127.0.0.1 the APIs speak HTTPS.\n"
            "mqtt-port = 8883\n"
            "api-port = 4566\n"
            "#https-port = 0\n"
            "#wss-port = 0\n"
            "#publish-port = 0\n"
            "# (0 is 443 and 8443, or a free one; cloud.json in the folder says which)\n"
            "#page-port = 4580\n"
            "#listen = 127.0.0.1\n"
            "#mqtt-listen = 127.0.0.1\n"
            "#api-listen = 127.0.0.1\n"
            "#host = localhost\n"
            "\n"
            "# Limits as AWS IoT has them, a second; 0 for none.\n"
            "limit = publish=100\n"
            "limit = bytes=524288\n"
            "limit = connect=1\n"
            "limit = greeting=15\n"
            "#relax = parent\n"
            "\n"
            "# How long is kept what Device Defender hears and finds; days.\n"
            "keep-metrics = 14\n"
            "keep-violations = 30\n"
            "\n"
            "# text or json. The journal keeps it: journalctl %s-u otter-cloud\n"
            "log-format = text\n"
            "\n"
            "# For tests: a slower and a lossy network; a stricter Jobs service.\n"
            "#delay = 0\n"
            "#rate = 0\n"
            "#drop-blocks = 0\n"
            "#strict\n",
            work->config, work->state, work->whole_machine ? "" : "--user ");
}

static void write_unit(FILE *file, const struct work *work)
{
    fprintf(file,
            "[Unit]\n"
            "Description=Otter cloud, a local AWS IoT\n"
            "After=network.target\n"
            "\n"
            "[Service]\n"
            "ExecStart=\"%s\" cloud --config \"%s\"\n"
            "Restart=always\n"
            "RestartSec=1\n"
            "# It ends its broker itself, which saves first.\n"
            "KillMode=mixed\n"
            "TimeoutStopSec=30\n"
            "# Two for each device.\n"
            "LimitNOFILE=65536\n"
            "UMask=0077\n"
            "NoNewPrivileges=yes\n",
            work->program, work->config);
    if (work->whole_machine)
        fprintf(file, "DynamicUser=yes\n"
                      "StateDirectory=otter-cloud\n"
                      "StateDirectoryMode=0700\n"
                      "AmbientCapabilities=CAP_NET_BIND_SERVICE\n"
                      "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
                      "ProtectSystem=strict\n"
                      "ProtectHome=read-only\n"
                      "PrivateTmp=yes\n"
                      "PrivateDevices=yes\n"
                      "ProtectKernelTunables=yes\n"
                      "ProtectKernelModules=yes\n"
                      "ProtectControlGroups=yes\n"
                      "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX\n"
                      "RestrictNamespaces=yes\n"
                      "LockPersonality=yes\n"
                      "SystemCallArchitectures=native\n");
    fprintf(file, "\n[Install]\nWantedBy=%s.target\n",
            work->whole_machine ? "multi-user" : "default");
}

/* ---- files ---- */

static bool make_folders(const char *path)
{
    char part[2 * PATH_SIZE];
    snprintf(part, sizeof part, "%s", path);
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(part, 0755) != 0 && errno != EEXIST)
            return fail("make the folder", part);
        *slash = '/';
    }
    return true;
}

static bool write_file(const struct work *work, const char *where,
                       void (*fill)(FILE *file, const struct work *work))
{
    char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s%s", work->root, where);
    FILE *file = make_folders(path) ? fopen(path, "w") : NULL;
    if (!file)
        return fail("write", path);
    fill(file, work);
    if (ferror(file) != 0 || fclose(file) != 0 || chmod(path, 0644) != 0)
        return fail("write", path);
    printf("%s is written\n", path);
    return true;
}

/* What somebody may have changed stays. */
static bool keep_config(const struct work *work)
{
    char path[2 * PATH_SIZE];
    snprintf(path, sizeof path, "%s%s", work->root, work->config);
    if (access(path, F_OK) != 0)
        return write_file(work, work->config, write_config);
    printf("%s is there already, and stays as it is\n", path);
    return true;
}

static bool choose_paths(struct work *work)
{
    const struct place *place = work->whole_machine ? &of_machine : &of_user;
    const char *home = work->whole_machine ? "" : getenv("HOME");
    ssize_t length = readlink("/proc/self/exe", work->program, sizeof work->program - 1);
    if (length <= 0)
        return fail("find", "this program");
    work->program[length] = '\0';
    if (!home || strpbrk(home, "\"\n%\\") || strpbrk(work->program, "\"\n%\\")) {
        fprintf(stderr, "otter cloud: HOME is not set, or a path has a character that a unit "
                        "cannot name\n");
        return false;
    }
    snprintf(work->unit, sizeof work->unit, "%.500s%s/otter-cloud.service", home, place->units);
    snprintf(work->config, sizeof work->config, "%.500s%s/otter-cloud.conf", home, place->config);
    snprintf(work->state, sizeof work->state, "%.500s%s/otter-cloud", home, place->state);
    return true;
}

static void say_next(const struct work *work)
{
    const char *user = work->whole_machine ? "" : " --user";
    printf("\nNow:\n"
           "  systemctl%s daemon-reload\n"
           "  systemctl%s enable --now otter-cloud\n"
           "  curl http://127.0.0.1:4566/health         # and /metrics, for Prometheus\n"
           "  otter aws --dir %s iot list-things\n",
           user, user, work->state);
}

static void print_help(void)
{
    printf("usage: otter cloud install [--user | --system] [--root DIR]\n"
           "\n"
           "Writes a service of systemd for `otter cloud`, and its configuration file, with all\n"
           "options and limits, and says how to start it. A configuration that is there stays.\n"
           "\n"
           "  --system     the machine's: /etc/systemd/system/otter-cloud.service,\n"
           "               /etc/otter-cloud.conf, state in /var/lib/otter-cloud (default of root)\n"
           "  --user       the user's, in ~/.config and ~/.local/share (default of others)\n"
           "  --root DIR   writes below DIR, as into the image of another machine\n"
           "\n"
           "example:\n"
           "  sudo otter cloud install && sudo systemctl enable --now otter-cloud\n");
}

int cloud_install(int argc, char **argv)
{
    static const struct option known[] = {{"user", no_argument, NULL, 'u'},
                                          {"system", no_argument, NULL, 's'},
                                          {"root", required_argument, NULL, 'r'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    struct work work = {.whole_machine = geteuid() == 0, .root = ""};
    int option;
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        if (option == 'h') {
            print_help();
            return 0;
        }
        if (option == '?')
            return 2;
        if (option == 'r')
            work.root = optarg;
        else
            work.whole_machine = option == 's';
    }
    if (optind < argc) {
        fprintf(stderr, "otter cloud: '%s' is no option of install; see --help\n", argv[optind]);
        return 2;
    }
    if (!choose_paths(&work) || !keep_config(&work) || !write_file(&work, work.unit, write_unit))
        return 1;
    say_next(&work);
    return 0;
}
