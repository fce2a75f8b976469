/* Settings for a device's first boot, put behind a signed image (firmware/provision_section.h). For
 * development only: whoever has the image has the keys in it. */
#ifndef OTTER_TOOL_PROVISION_SECTION_H
#define OTTER_TOOL_PROVISION_SECTION_H

#include "tool/failure.h"

/* Writes `out`, the signed image of the file `image` with what `script` says behind it. A script
 * holds lines for the device's console: `conf set KEY VALUE`, and `pki import cert|key LABEL <
 * FILE` with the name of a PEM file beside the script. Blank lines and those that begin with # are
 * left out; `conf commit` comes last in any case. Other commands are refused. */
otter_status provision_section_add(const char *image, const char *script, const char *out,
                                   struct failure *failure);

#endif
