#pragma once

#include "base/status.h"

namespace weir::errors {

/// A row that an expression could not be evaluated for.
inline constexpr ErrorCode kRowError{"WEIR-X002", ErrorKind::kFailed};
/// An aggregate's sum left the range of its type.
inline constexpr ErrorCode kAggregateOverflow{"WEIR-X003", ErrorKind::kFailed};

}  // namespace weir::errors
