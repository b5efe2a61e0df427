#pragma once

#include "base/status.h"

/// Services spoken to over HTTP: those of AWS, and schema registries.
namespace weir::errors {

/// No answer: it cannot be reached, says nothing for too long, or hangs up.
inline constexpr ErrorCode kServiceAway{"WEIR-A001", ErrorKind::kRetry};
/// It answers that it cannot just now.
inline constexpr ErrorCode kServiceBusy{"WEIR-A002", ErrorKind::kRetry};
/// It refuses the request for good.
inline constexpr ErrorCode kServiceRefused{"WEIR-A003", ErrorKind::kFailed};
/// Keys are wrong or have ended, or lack a right.
inline constexpr ErrorCode kAccessDenied{"WEIR-A004", ErrorKind::kFailed};
/// There is no such bucket, or it is in another region.
inline constexpr ErrorCode kNoBucket{"WEIR-A005", ErrorKind::kFailed};
/// An answer that nobody can make sense of.
inline constexpr ErrorCode kBadAnswer{"WEIR-A006", ErrorKind::kRetry};
/// No keys are to be found, or only of a kind that weir cannot ask for.
inline constexpr ErrorCode kNoCredentials{"WEIR-A007", ErrorKind::kFailed};
/// The service's certificate is not trusted, or there is nothing to judge it by.
inline constexpr ErrorCode kNotTrusted{"WEIR-A008", ErrorKind::kFailed};
/// The caller itself gave the call up.
inline constexpr ErrorCode kCallCancelled{"WEIR-A009", ErrorKind::kRetry};
/// An address, a region or another option cannot be used as it is written.
inline constexpr ErrorCode kBadServiceOption{"WEIR-A010", ErrorKind::kInvalid};
/// A registry does not take a schema: it is invalid, or does not fit the versions before it.
inline constexpr ErrorCode kSchemaRefused{"WEIR-A011", ErrorKind::kFailed};
/// There is no such secret, or it does not hold what it is to hold.
inline constexpr ErrorCode kNoSecret{"WEIR-A012", ErrorKind::kFailed};

}  // namespace weir::errors
