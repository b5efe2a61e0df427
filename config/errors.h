#pragma once

#include "base/status.h"

/// Faults of job files, configuration files and what is written in them.
namespace weir::errors {

inline constexpr ErrorCode kNotYaml{"WEIR-J001", ErrorKind::kInvalid};
inline constexpr ErrorCode kDuplicateKey{"WEIR-J002", ErrorKind::kInvalid};
inline constexpr ErrorCode kUnknownKey{"WEIR-J003", ErrorKind::kInvalid};
inline constexpr ErrorCode kMissingKey{"WEIR-J004", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadValue{"WEIR-J005", ErrorKind::kInvalid};
inline constexpr ErrorCode kOutOfBounds{"WEIR-J006", ErrorKind::kInvalid};
inline constexpr ErrorCode kNotYet{"WEIR-J007", ErrorKind::kInvalid};
/// YAML that weir never means: aliases, anchors, tags, several documents.
inline constexpr ErrorCode kRefusedYaml{"WEIR-J008", ErrorKind::kInvalid};
inline constexpr ErrorCode kTooMuchYaml{"WEIR-J009", ErrorKind::kInvalid};
inline constexpr ErrorCode kMissingVariable{"WEIR-J010", ErrorKind::kInvalid};
inline constexpr ErrorCode kCutOff{"WEIR-J011", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadName{"WEIR-J012", ErrorKind::kInvalid};
inline constexpr ErrorCode kNameTaken{"WEIR-J013", ErrorKind::kInvalid};
inline constexpr ErrorCode kUnknownNode{"WEIR-J014", ErrorKind::kInvalid};
inline constexpr ErrorCode kCycle{"WEIR-J015", ErrorKind::kInvalid};
inline constexpr ErrorCode kUnusedNode{"WEIR-J016", ErrorKind::kInvalid};
inline constexpr ErrorCode kNoSink{"WEIR-J017", ErrorKind::kInvalid};
inline constexpr ErrorCode kOneConnector{"WEIR-J018", ErrorKind::kInvalid};
inline constexpr ErrorCode kReservedName{"WEIR-J019", ErrorKind::kInvalid};
inline constexpr ErrorCode kBadOverride{"WEIR-J020", ErrorKind::kInvalid};
inline constexpr ErrorCode kUnreadableFile{"WEIR-J021", ErrorKind::kInvalid};
inline constexpr ErrorCode kSecretWritten{"WEIR-J022", ErrorKind::kInvalid};
inline constexpr ErrorCode kSecretMissing{"WEIR-J023", ErrorKind::kFailed};
/// A text that YAML 1.1 reads as something else (`yes`, `010`).
inline constexpr ErrorCode kYamlTrap{"WEIR-J024", ErrorKind::kInvalid};
inline constexpr ErrorCode kInvalidFile{"WEIR-J025", ErrorKind::kInvalid};

}  // namespace weir::errors
