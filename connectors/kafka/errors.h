#pragma once

#include "base/status.h"

/// Faults of reading from and writing to Kafka.
namespace weir::errors {

/// No broker answers: the same call may succeed later.
inline constexpr ErrorCode kBrokersAway{"WEIR-K001", ErrorKind::kRetry};
inline constexpr ErrorCode kTopicMissing{"WEIR-K002", ErrorKind::kFailed};
inline constexpr ErrorCode kTopicRemade{"WEIR-K003", ErrorKind::kFailed};
inline constexpr ErrorCode kTopicDeleted{"WEIR-K004", ErrorKind::kFailed};
inline constexpr ErrorCode kOffsetsLost{"WEIR-K005", ErrorKind::kFailed};
inline constexpr ErrorCode kNotAllowed{"WEIR-K006", ErrorKind::kFailed};
inline constexpr ErrorCode kClientTooOld{"WEIR-K007", ErrorKind::kFailed};
inline constexpr ErrorCode kClientSettings{"WEIR-K008", ErrorKind::kInvalid};
/// A transaction of which nobody knows yet how it ended: Fence and ReadMarker tell.
inline constexpr ErrorCode kOutcomeUnknown{"WEIR-K010", ErrorKind::kRetry};
/// The broker would not take a record that was sealed already: what becomes of it, the user says.
inline constexpr ErrorCode kRecordRefused{"WEIR-K011", ErrorKind::kDecision};
/// Rejections in Write: `on_error` decides.
inline constexpr ErrorCode kRecordTooLarge{"WEIR-K012", ErrorKind::kFailed};
inline constexpr ErrorCode kNoSuchPartition{"WEIR-K013", ErrorKind::kFailed};
inline constexpr ErrorCode kBadTimestamp{"WEIR-K014", ErrorKind::kFailed};
/// What a checkpoint or a marker holds is not what weir writes.
inline constexpr ErrorCode kDamagedOutbox{"WEIR-K015", ErrorKind::kFailed};
inline constexpr ErrorCode kBadKafkaPosition{"WEIR-K016", ErrorKind::kFailed};
/// A fault that the broker expects to pass.
inline constexpr ErrorCode kBrokerNotReady{"WEIR-K017", ErrorKind::kRetry};
/// A fault that no repeating mends.
inline constexpr ErrorCode kBrokerRefused{"WEIR-K018", ErrorKind::kFailed};
inline constexpr ErrorCode kSourceOption{"WEIR-K020", ErrorKind::kInvalid};
inline constexpr ErrorCode kSinkOption{"WEIR-K021", ErrorKind::kInvalid};
inline constexpr ErrorCode kConnectionOption{"WEIR-K023", ErrorKind::kInvalid};
/// A warning: the port is one of Amazon MSK's for another kind of security.
inline constexpr ErrorCode kUnlikelyPort{"WEIR-K024", ErrorKind::kInvalid};
/// A file that a connection names cannot be read.
inline constexpr ErrorCode kConnectionFile{"WEIR-K025", ErrorKind::kFailed};
/// Weir's own certificate is none, has expired, or its key is another's.
inline constexpr ErrorCode kOwnCertificate{"WEIR-K026", ErrorKind::kFailed};
/// TLS with a broker could not be set up.
inline constexpr ErrorCode kTlsRefused{"WEIR-K027", ErrorKind::kFailed};
/// A broker does not take the user, the password or the token.
inline constexpr ErrorCode kLoginRefused{"WEIR-K028", ErrorKind::kFailed};
/// Positions cannot be committed to a group that others read by; told, and the job goes on.
inline constexpr ErrorCode kGroupInUse{"WEIR-K029", ErrorKind::kFailed};
inline constexpr ErrorCode kGroupEmpty{"WEIR-K030", ErrorKind::kFailed};
/// A rejection in Write.
inline constexpr ErrorCode kKeylessTombstone{"WEIR-K031", ErrorKind::kFailed};

}  // namespace weir::errors
