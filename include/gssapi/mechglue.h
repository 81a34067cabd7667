/* mechglue.h - the name under which older sources include what is in gssapi_ext.h. */
#ifndef BATON_GSSAPI_MECHGLUE_H
#define BATON_GSSAPI_MECHGLUE_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>

#endif
