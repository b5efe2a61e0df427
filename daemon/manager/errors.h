#pragma once

#include "base/status.h"

namespace weir::errors {

// What a user is refused.
inline constexpr ErrorCode kNoSuchJob{"WEIR-M001", ErrorKind::kInvalid};
/// A job of this name is active: it can be changed, not submitted.
inline constexpr ErrorCode kJobActive{"WEIR-M002", ErrorKind::kInvalid};
/// The job's state has no use for the command.
inline constexpr ErrorCode kWrongState{"WEIR-M003", ErrorKind::kInvalid};
/// Another change of the job is under way.
inline constexpr ErrorCode kChangeUnderWay{"WEIR-M004", ErrorKind::kInvalid};
/// More worker slots are asked for than there are.
inline constexpr ErrorCode kTooFewSlots{"WEIR-M005", ErrorKind::kInvalid};
inline constexpr ErrorCode kNoSuchWorker{"WEIR-M006", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadRequest{"WEIR-M007", ErrorKind::kInvalid};
/// A job's text is longer than the job store takes.
inline constexpr ErrorCode kTextTooLong{"WEIR-M009", ErrorKind::kInvalid};
/// The attempt ended before its savepoint was taken.
inline constexpr ErrorCode kSavepointCut{"WEIR-M008", ErrorKind::kRetry};

/// Workers keep checkpoints in different places.
inline constexpr ErrorCode kStoresDiffer{"WEIR-M016", ErrorKind::kInvalid};

// What a worker is refused.
/// Not the fault of a file: its supervisor may start it again, and the newer program then gets in.
inline constexpr ErrorCode kOtherVersion{"WEIR-M010", ErrorKind::kFailed};
/// Another process with this worker id has a session.
inline constexpr ErrorCode kWorkerIdTaken{"WEIR-M011", ErrorKind::kRetry};
inline constexpr ErrorCode kBadHello{"WEIR-M012", ErrorKind::kInvalid};

// Why an attempt ended.
inline constexpr ErrorCode kWorkerLost{"WEIR-M020", ErrorKind::kRetry};

// The manager's own store.
/// The job store holds bytes that are not what was written, or of a newer weir.
inline constexpr ErrorCode kJobStoreDamaged{"WEIR-M030", ErrorKind::kFailed};
/// A write under a term that is over.
inline constexpr ErrorCode kOldTerm{"WEIR-M031", ErrorKind::kFailed};

// What a user is told who can't be answered.
inline constexpr ErrorCode kManagerEnds{"WEIR-M040", ErrorKind::kRetry};
inline constexpr ErrorCode kNoAnswer{"WEIR-M041", ErrorKind::kRetry};
inline constexpr ErrorCode kNotLeading{"WEIR-M042", ErrorKind::kRetry};
/// Only workers know the way to the checkpoints.
inline constexpr ErrorCode kNoWorkerHere{"WEIR-M043", ErrorKind::kRetry};
/// The worker that was asked is gone, or has not answered in time.
inline constexpr ErrorCode kErrandCut{"WEIR-M044", ErrorKind::kRetry};
inline constexpr ErrorCode kTooManyErrands{"WEIR-M045", ErrorKind::kRetry};
/// A copy of the jobs is to be taken of what keeps them.
inline constexpr ErrorCode kOthersBackup{"WEIR-M046", ErrorKind::kInvalid};

}  // namespace weir::errors
