#pragma once

#include "base/status.h"

namespace weir::errors {

inline constexpr ErrorCode kLedger{"WEIR-E001", ErrorKind::kFailed};
inline constexpr ErrorCode kDeposed{"WEIR-E002", ErrorKind::kFailed};
inline constexpr ErrorCode kStaleMarker{"WEIR-E003", ErrorKind::kDecision};
inline constexpr ErrorCode kForeignMarker{"WEIR-E004", ErrorKind::kDecision};
inline constexpr ErrorCode kMarkerGone{"WEIR-E005", ErrorKind::kDecision};
inline constexpr ErrorCode kChangedJob{"WEIR-E006", ErrorKind::kDecision};
inline constexpr ErrorCode kDamagedCheckpoint{"WEIR-E007", ErrorKind::kDecision};
inline constexpr ErrorCode kBadRow{"WEIR-E008", ErrorKind::kFailed};
inline constexpr ErrorCode kEventTime{"WEIR-E009", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadPlan{"WEIR-E010", ErrorKind::kInvalid};
inline constexpr ErrorCode kBarrierDisagrees{"WEIR-E011", ErrorKind::kFailed};
inline constexpr ErrorCode kGaveUpWaiting{"WEIR-E012", ErrorKind::kGaveUp};
inline constexpr ErrorCode kRowEventTime{"WEIR-E013", ErrorKind::kFailed};
inline constexpr ErrorCode kCrashLoop{"WEIR-E015", ErrorKind::kFailed};
inline constexpr ErrorCode kNoDeadLetter{"WEIR-E016", ErrorKind::kDecision};
inline constexpr ErrorCode kStateDirectory{"WEIR-E017", ErrorKind::kInvalid};
/// Asked to stop before tasks ran: nothing was lost, and nothing more was done. A clean end.
inline constexpr ErrorCode kStoppedEarly{"WEIR-E018", ErrorKind::kFailed};
inline constexpr ErrorCode kForeignCheckpoints{"WEIR-E019", ErrorKind::kDecision};
inline constexpr ErrorCode kNothingToDrop{"WEIR-E020", ErrorKind::kInvalid};
inline constexpr ErrorCode kWouldDrop{"WEIR-E021", ErrorKind::kDecision};
inline constexpr ErrorCode kNoSuchSink{"WEIR-E022", ErrorKind::kInvalid};
/// A savepoint that can't be gone on from behind the checkpoints that are there.
inline constexpr ErrorCode kOtherSavepoint{"WEIR-E023", ErrorKind::kDecision};
/// The savepoint or checkpoint to go on from is not there, or is damaged.
inline constexpr ErrorCode kBadSavepoint{"WEIR-E024", ErrorKind::kInvalid};
inline constexpr ErrorCode kOvertaken{"WEIR-E025", ErrorKind::kRetry};
/// A share of records above `max_rejected`: whether to go on behind them, the user says.
inline constexpr ErrorCode kTooManyRejected{"WEIR-E026", ErrorKind::kDecision};

}  // namespace weir::errors
