#pragma once

#include <string>

#include "base/status.h"
#include "config/store_location.h"

namespace weir {

/// The random id of a place of checkpoints, in the record `.weir-store` at its root: given by
/// whoever is the first to ask, exclusively, and then the same for all. Two addresses are those of
/// one store where they show one id. (A copy of a store shows it, too.)
Result<std::string> IdentifyStore(const StoreLocation& location);

}  // namespace weir
