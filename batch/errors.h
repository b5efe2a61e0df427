#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kBadType{"WEIR-B001", ErrorKind::kInvalid};

}  // namespace weir::errors
