#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kBadType{"WEIR-B001", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadZone{"WEIR-B002", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadLayout{"WEIR-B003", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadFrame{"WEIR-B004", ErrorKind::kRetry};

}  // namespace weir::errors
