#pragma once

#include "base/status.h"

namespace weir::errors {

/// Faults of a step in the job file.
inline constexpr ErrorCode kBadClause{"WEIR-P001", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadExpression{"WEIR-P002", ErrorKind::kInvalid};

/// Rows that a step could not take; the step's `on_error` decides.
inline constexpr ErrorCode kRowFailed{"WEIR-P010", ErrorKind::kFailed};
inline constexpr ErrorCode kTimeOutOfRange{"WEIR-P011", ErrorKind::kFailed};

/// A row to which a program gave an answer that cannot be read.
inline constexpr ErrorCode kBadProgramAnswer{"WEIR-P012", ErrorKind::kFailed};
/// Rows that a program died over, or had no answer to in time.
inline constexpr ErrorCode kProgramFailed{"WEIR-P013", ErrorKind::kFailed};

/// A program that jobs may not call, or that does not start. Another try may find it mended.
inline constexpr ErrorCode kNoSuchProgram{"WEIR-P014", ErrorKind::kInvalid};
inline constexpr ErrorCode kProgramBroken{"WEIR-P015", ErrorKind::kRetry};

/// What a task can't go on after.
inline constexpr ErrorCode kDamagedPartial{"WEIR-P020", ErrorKind::kFailed};
inline constexpr ErrorCode kStateLost{"WEIR-P021", ErrorKind::kFailed};

}  // namespace weir::errors
