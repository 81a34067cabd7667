/* In a file of its own, so that a test can bring another. */
#include "transfer/settings.h"

const char bt_transfer_settings_path[] = BT_TRANSFER_CONF;
