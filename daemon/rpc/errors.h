#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kBadPeerAddress{"WEIR-R001", ErrorKind::kInvalid};
inline constexpr ErrorCode kCantServe{"WEIR-R002", ErrorKind::kFailed};
inline constexpr ErrorCode kBadTlsFiles{"WEIR-R003", ErrorKind::kInvalid};
inline constexpr ErrorCode kChannelBroken{"WEIR-R004", ErrorKind::kRetry};
inline constexpr ErrorCode kOldAttempt{"WEIR-R005", ErrorKind::kFailed};
inline constexpr ErrorCode kChannelUnknown{"WEIR-R006", ErrorKind::kRetry};
inline constexpr ErrorCode kChannelTwice{"WEIR-R007", ErrorKind::kRetry};
inline constexpr ErrorCode kWorkersDiffer{"WEIR-R008", ErrorKind::kFailed};
inline constexpr ErrorCode kChannelOutOfStep{"WEIR-R009", ErrorKind::kRetry};
inline constexpr ErrorCode kRowTooLong{"WEIR-R010", ErrorKind::kFailed};
/// The other side ended the attempt first: why, is told there.
inline constexpr ErrorCode kChannelClosed{"WEIR-R011", ErrorKind::kRetry};

}  // namespace weir::errors
