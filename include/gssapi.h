/* gssapi.h - for programs that include it under this older name. */
#include <gssapi/gssapi.h>
