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

// Schema registries.
inline constexpr ErrorCode kNoFrame{"WEIR-F034", ErrorKind::kFailed};
inline constexpr ErrorCode kUnknownSchema{"WEIR-F035", ErrorKind::kFailed};
/// The schema that a source reads with is not known here, and cannot be had.
inline constexpr ErrorCode kNotPinned{"WEIR-F036", ErrorKind::kInvalid};
/// The registry does not have what a sink is to write with, and the job may not register it.
inline constexpr ErrorCode kNotRegistered{"WEIR-F037", ErrorKind::kFailed};
inline constexpr ErrorCode kIncompatibleSchema{"WEIR-F038", ErrorKind::kFailed};
/// Nothing that is written with this schema can be read by the job: it stops.
inline constexpr ErrorCode kUnreadableSchema{"WEIR-F039", ErrorKind::kFailed};

}  // namespace weir::errors
