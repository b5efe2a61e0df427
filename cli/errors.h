#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kBadFlag{"WEIR-C001", ErrorKind::kInvalid};
inline constexpr ErrorCode kCantWrite{"WEIR-C002", ErrorKind::kFailed};
inline constexpr ErrorCode kNothingThere{"WEIR-C003", ErrorKind::kInvalid};
inline constexpr ErrorCode kDamaged{"WEIR-C004", ErrorKind::kFailed};

inline constexpr ErrorCode kNoManager{"WEIR-C005", ErrorKind::kFailed};

inline constexpr ErrorCode kNoStore{"WEIR-C006", ErrorKind::kInvalid};

inline constexpr ErrorCode kOtherJob{"WEIR-C007", ErrorKind::kInvalid};

inline constexpr ErrorCode kNoLetters{"WEIR-C008", ErrorKind::kInvalid};
inline constexpr ErrorCode kCantRedrive{"WEIR-C009", ErrorKind::kInvalid};

}  // namespace weir::errors
