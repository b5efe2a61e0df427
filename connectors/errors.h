#pragma once

#include "base/status.h"

/// Local files, generators and the screen; and what a publisher of any kind may say.
namespace weir::errors {

/// The lane's name at the outside belongs to somebody else by now: whoever publishes looks whether
/// its attempt still stands before it takes the name again (rule 18).
inline constexpr ErrorCode kFenced{"WEIR-K009", ErrorKind::kFailed};

inline constexpr ErrorCode kNoFiles{"WEIR-L001", ErrorKind::kFailed};
inline constexpr ErrorCode kFileRead{"WEIR-L002", ErrorKind::kFailed};
/// The disk is full or fails: the checkpoint fails and works again when there is room.
inline constexpr ErrorCode kFileWrite{"WEIR-L003", ErrorKind::kRetry};
inline constexpr ErrorCode kFileChanged{"WEIR-L004", ErrorKind::kFailed};
inline constexpr ErrorCode kFileGone{"WEIR-L005", ErrorKind::kFailed};
inline constexpr ErrorCode kUnsortedReplay{"WEIR-L006", ErrorKind::kFailed};
inline constexpr ErrorCode kSealedFileGone{"WEIR-L007", ErrorKind::kFailed};
inline constexpr ErrorCode kDamagedPosition{"WEIR-L008", ErrorKind::kFailed};
inline constexpr ErrorCode kFolderUnusable{"WEIR-L009", ErrorKind::kFailed};
inline constexpr ErrorCode kConnectorOption{"WEIR-L010", ErrorKind::kInvalid};
inline constexpr ErrorCode kScreenWrite{"WEIR-L011", ErrorKind::kFailed};
inline constexpr ErrorCode kFileCutOff{"WEIR-L012", ErrorKind::kFailed};

/// The disk did not keep what it had taken: only the last checkpoint can be trusted.
inline constexpr ErrorCode kFileLost{"WEIR-L013", ErrorKind::kFailed};
inline constexpr ErrorCode kUnusablePartition{"WEIR-L014", ErrorKind::kFailed};

}  // namespace weir::errors
