#pragma once

#include "base/status.h"

/// Who is believed, and what he may do.
namespace weir::errors {

/// What `weir certs` or `weir token` was asked for cannot be had.
inline constexpr ErrorCode kBadNaming{"WEIR-T001", ErrorKind::kInvalid};
/// An authority's files are there already, and would be lost.
inline constexpr ErrorCode kAuthorityThere{"WEIR-T002", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadAuthority{"WEIR-T003", ErrorKind::kInvalid};
inline constexpr ErrorCode kCantKeepFile{"WEIR-T004", ErrorKind::kFailed};
/// A file of secrets that others than its owner may read.
inline constexpr ErrorCode kReadByOthers{"WEIR-T005", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadTokensFile{"WEIR-T006", ErrorKind::kInvalid};
inline constexpr ErrorCode kNoToken{"WEIR-T007", ErrorKind::kInvalid};
inline constexpr ErrorCode kRoleTooSmall{"WEIR-T008", ErrorKind::kInvalid};
inline constexpr ErrorCode kUnsafeListener{"WEIR-T009", ErrorKind::kInvalid};
/// This process's own certificate is not one for what the process is.
inline constexpr ErrorCode kWrongOwnCertificate{"WEIR-T010", ErrorKind::kInvalid};
/// A browser was led here by a page of somebody else.
inline constexpr ErrorCode kForeignPage{"WEIR-T012", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadContexts{"WEIR-T013", ErrorKind::kInvalid};
inline constexpr ErrorCode kManagerNotTrusted{"WEIR-T014", ErrorKind::kFailed};

}  // namespace weir::errors
