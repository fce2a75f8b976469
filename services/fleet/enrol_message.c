/* Requests of fleet provisioning; see enrol.h. */
#include "codec/document.h"
#include "services/fleet/enrol.h"

int enrol_write_request(bool cbor, const char *csr, char *out, size_t size)
{
    struct document_writer w;
    document_write(&w, cbor, out, size);
    document_open_map(&w, NULL);
    document_put_text(&w, "certificateSigningRequest", csr);
    document_close_map(&w);
    return document_written(&w);
}

int enrol_write_registration(bool cbor, const char *token, const char *serial, char *out,
                             size_t size)
{
    struct document_writer w;
    document_write(&w, cbor, out, size);
    document_open_map(&w, NULL);
    document_put_text(&w, "certificateOwnershipToken", token);
    document_open_map(&w, "parameters");
    document_put_text(&w, "SerialNumber", serial);
    document_close_map(&w);
    document_close_map(&w);
    return document_written(&w);
}
