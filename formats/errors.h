#pragma once

#include "base/status.h"

namespace weir::errors {

// Records that are not what the format says (rejections: `on_error` decides).
inline constexpr ErrorCode kMalformedRecord{"WEIR-F001", ErrorKind::kFailed};
inline constexpr ErrorCode kWrongValue{"WEIR-F002", ErrorKind::kFailed};
inline constexpr ErrorCode kWrongFieldCount{"WEIR-F003", ErrorKind::kFailed};
inline constexpr ErrorCode kNoRecord{"WEIR-F004", ErrorKind::kFailed};
inline constexpr ErrorCode kDeepRecord{"WEIR-F005", ErrorKind::kFailed};

// Streams of bytes.
inline constexpr ErrorCode kRecordTooLong{"WEIR-F010", ErrorKind::kFailed};
inline constexpr ErrorCode kDamagedStream{"WEIR-F011", ErrorKind::kFailed};
inline constexpr ErrorCode kWrongHeader{"WEIR-F012", ErrorKind::kFailed};

// What a job asks of a format.
inline constexpr ErrorCode kFormatOption{"WEIR-F020", ErrorKind::kInvalid};
inline constexpr ErrorCode kFormatColumns{"WEIR-F021", ErrorKind::kInvalid};

// Avro's schemas.
inline constexpr ErrorCode kAvroSchema{"WEIR-F030", ErrorKind::kInvalid};
inline constexpr ErrorCode kAvroResolution{"WEIR-F031", ErrorKind::kFailed};
inline constexpr ErrorCode kAvroTypes{"WEIR-F032", ErrorKind::kInvalid};
inline constexpr ErrorCode kAvroValue{"WEIR-F033", ErrorKind::kFailed};

}  // namespace weir::errors
