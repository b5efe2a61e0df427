#pragma once

#include <string>

namespace weir {

/// Of this binary; all processes of a cluster have the same.
std::string Version();

}  // namespace weir
