#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kAttemptOver{"WEIR-W001", ErrorKind::kRetry};
inline constexpr ErrorCode kPartStillThere{"WEIR-W002", ErrorKind::kRetry};
/// The lead and another worker would run different plans.
inline constexpr ErrorCode kOtherPlan{"WEIR-W003", ErrorKind::kFailed};
inline constexpr ErrorCode kWorkerUnreachable{"WEIR-W004", ErrorKind::kRetry};
inline constexpr ErrorCode kAttemptCancelled{"WEIR-W005", ErrorKind::kRetry};
/// The manager's job store is older than the checkpoints.
inline constexpr ErrorCode kAttemptBehind{"WEIR-W006", ErrorKind::kDecision};
inline constexpr ErrorCode kPeerLost{"WEIR-W007", ErrorKind::kRetry};

/// Workers of one attempt keep checkpoints in different places.
inline constexpr ErrorCode kOtherStore{"WEIR-W008", ErrorKind::kFailed};

/// What the manager asked for at the checkpoints took longer than it may.
inline constexpr ErrorCode kErrandTooLong{"WEIR-W009", ErrorKind::kGaveUp};
/// The worker ends, or has more to do at checkpoints than it takes.
inline constexpr ErrorCode kErrandNotTaken{"WEIR-W010", ErrorKind::kRetry};

}  // namespace weir::errors
