#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kBadAddress{"WEIR-H001", ErrorKind::kInvalid};
inline constexpr ErrorCode kCantListen{"WEIR-H002", ErrorKind::kFailed};
/// A body that is too long, or whose length was not said before it came.
inline constexpr ErrorCode kBadFraming{"WEIR-H003", ErrorKind::kInvalid};
inline constexpr ErrorCode kNotServed{"WEIR-H004", ErrorKind::kInvalid};
inline constexpr ErrorCode kHandlerFailed{"WEIR-H005", ErrorKind::kFailed};

}  // namespace weir::errors
