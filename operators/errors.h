#pragma once

#include "base/status.h"

namespace weir::errors {

/// Faults of a step in the job file.
inline constexpr ErrorCode kBadClause{"WEIR-P001", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadExpression{"WEIR-P002", ErrorKind::kInvalid};

/// Rows that a step could not take; the step's `on_error` decides.
inline constexpr ErrorCode kRowFailed{"WEIR-P010", ErrorKind::kFailed};
inline constexpr ErrorCode kTimeOutOfRange{"WEIR-P011", ErrorKind::kFailed};

/// What a task can't go on after.
inline constexpr ErrorCode kDamagedPartial{"WEIR-P020", ErrorKind::kFailed};
inline constexpr ErrorCode kStateLost{"WEIR-P021", ErrorKind::kFailed};

}  // namespace weir::errors
