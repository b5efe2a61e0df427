#include "cli/version.h"

namespace weir {

std::string Version() { return WEIR_VERSION; }

}  // namespace weir
