#pragma once

#include "base/status.h"

namespace weir::errors {

/// What another process sent as an error is none of weir's.
inline constexpr ErrorCode kNoErrorCode{"WEIR-R012", ErrorKind::kFailed};

}  // namespace weir::errors
