#include <baton/baton.h>

const char *
baton_version(void)
{
	return BT_VERSION;
}
