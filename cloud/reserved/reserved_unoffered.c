/* Messages for Basic Ingest, which this cloud does not offer: as on AWS for a rule that is not there,
 * they are taken and go nowhere, and the device keeps its connection. */
#include "cloud/reserved/reserved_internal.h"

enum core_error handle_unoffered(struct call *call)
{
    static const char name[] = "Basic Ingest";
    if (call->answers->unoffered)
        call->answers->unoffered(call->answers->context, call->row->service, name);
    return answer_refuse(&call->answer, CORE_NOT_IMPLEMENTED, "%s is not offered by this cloud yet",
                         name);
}
