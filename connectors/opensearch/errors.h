#pragma once

#include "base/status.h"

/// Faults of writing to an OpenSearch or Elasticsearch server.
namespace weir::errors {

/// It answers that it cannot just now, or does not take documents fast enough.
inline constexpr ErrorCode kSearchBusy{"WEIR-O001", ErrorKind::kRetry};
/// It does not take the user, the password or the signature.
inline constexpr ErrorCode kSearchLogin{"WEIR-O002", ErrorKind::kFailed};
/// It knows who weir is, and a right is missing.
inline constexpr ErrorCode kSearchForbidden{"WEIR-O003", ErrorKind::kFailed};
/// The index takes no writes for now: it is read-only, closed, or its disk is full.
inline constexpr ErrorCode kIndexBlocked{"WEIR-O004", ErrorKind::kRetry};
/// A request that no repeating mends.
inline constexpr ErrorCode kSearchRefused{"WEIR-O005", ErrorKind::kFailed};
/// The index does not take a document: `on_error` decides.
inline constexpr ErrorCode kDocumentRefused{"WEIR-O006", ErrorKind::kFailed};
/// A rejection in Write: no id, or one that no document can have.
inline constexpr ErrorCode kDocumentId{"WEIR-O007", ErrorKind::kFailed};
inline constexpr ErrorCode kSearchOption{"WEIR-O008", ErrorKind::kInvalid};
/// The index maps a field in another way than the job says.
inline constexpr ErrorCode kMappingConflict{"WEIR-O009", ErrorKind::kFailed};
/// What a checkpoint holds is not what weir writes.
inline constexpr ErrorCode kDamagedDocuments{"WEIR-O010", ErrorKind::kFailed};

}  // namespace weir::errors
