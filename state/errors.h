#pragma once

#include "base/status.h"

namespace weir::errors {

/// A file of a checkpoint is missing, cut, or its bytes are not the ones that were written.
inline constexpr ErrorCode kCheckpointDamaged{"WEIR-S001", ErrorKind::kFailed};
/// A manifest is not readable, or the log of manifests has a gap or a wrong parent.
inline constexpr ErrorCode kManifestDamaged{"WEIR-S002", ErrorKind::kFailed};
/// The checkpoint store could not be read or written: disk full, no right, away.
inline constexpr ErrorCode kStoreUnavailable{"WEIR-S003", ErrorKind::kRetry};
/// A checkpoint was asked for that is not there.
inline constexpr ErrorCode kNoCheckpoint{"WEIR-S004", ErrorKind::kInvalid};
/// Another process works in this state directory.
inline constexpr ErrorCode kStateLocked{"WEIR-S005", ErrorKind::kFailed};
/// The job's own facts in the state directory are damaged.
inline constexpr ErrorCode kJobFactsDamaged{"WEIR-S006", ErrorKind::kFailed};
/// The local state of a task could not be read or written.
inline constexpr ErrorCode kLocalState{"WEIR-S007", ErrorKind::kRetry};
/// Local state holds bytes that are not what was written.
inline constexpr ErrorCode kLocalStateDamaged{"WEIR-S008", ErrorKind::kFailed};
/// A table was stored in another shape or by a newer weir.
inline constexpr ErrorCode kTableShape{"WEIR-S009", ErrorKind::kFailed};
/// Names that cannot be a job or a file of the store.
inline constexpr ErrorCode kBadStoreName{"WEIR-S010", ErrorKind::kInvalid};
/// The checkpoint store lets two writers create one object.
inline constexpr ErrorCode kStoreNotExclusive{"WEIR-S011", ErrorKind::kFailed};
/// A savepoint of another branch of the job's life has the number.
inline constexpr ErrorCode kSavepointTaken{"WEIR-S012", ErrorKind::kFailed};
/// What says which store it is can't be read.
inline constexpr ErrorCode kStoreIdentity{"WEIR-S013", ErrorKind::kFailed};

}  // namespace weir::errors
