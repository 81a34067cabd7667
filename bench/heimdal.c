#include "heimdal.h"

#include "worker.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

struct heimdal heimdal;
gss_OID_desc heimdal_hostbased = { 10, (void *)"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04" };

/* Before main, as if the worker were linked with it. */
__attribute__((constructor)) static void
load(void)
{
	void *library = dlopen("libgssapi.so.3", RTLD_NOW | RTLD_GLOBAL);
	bool is_whole = library != NULL;

/* By now the name of the function is that of the member. */
#define FIND(name) is_whole = is_whole && (*(void **)&name = dlsym(library, #name)) != NULL;
	HEIMDAL_CALLS(FIND)
	if (!is_whole)
		exit(WORKER_HAS_NO_LIBRARY);
}
