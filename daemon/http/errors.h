#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kBadAddress{"WEIR-H001", ErrorKind::kInvalid};
inline constexpr ErrorCode kCantListen{"WEIR-H002", ErrorKind::kFailed};

}  // namespace weir::errors
