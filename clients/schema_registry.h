#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace weir {

/// What a registry calls a schema by: a number (Confluent's) or a UUID (Glue's). What it names
/// never changes.
class SchemaId {
 public:
  /// Of nothing.
  SchemaId() = default;
  static SchemaId OfNumber(uint32_t number);
  /// 16 bytes.
  static SchemaId OfUuid(std::string_view bytes);
  /// Reads what ToString writes; none where it is something else.
  static std::optional<SchemaId> FromText(std::string_view text);

  /// `42`, or `b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63`.
  std::string ToString() const;
  /// As it stands in records: 4 bytes, the highest first, or 16.
  std::string_view bytes() const { return {reinterpret_cast<const char*>(bytes_.data()), size_}; }
  auto operator<=>(const SchemaId&) const = default;

 private:
  std::array<uint8_t, 16> bytes_{};
  uint8_t size_ = 0;
};

/// What stands before the data of a record.
struct SchemaFrame {
  SchemaId id;
  std::string_view payload;
  bool zlib = false;  ///< The payload is compressed.
};
/// A frame, or why the record has none: it is a bad record, whatever else goes on.
struct FrameSplit {
  std::optional<SchemaFrame> frame;
  std::string fault;
};

enum class SchemaKind { kAvro, kJson, kProtobuf };
/// `AVRO`, `JSON`, `PROTOBUF`: as both registries write it.
std::string_view NameOf(SchemaKind kind);
std::optional<SchemaKind> SchemaKindOf(std::string_view name);

/// What a new version of a subject is held against. `…All`: all versions, not just the newest.
enum class SchemaCompatibility {
  kNone,
  kDisabled,  ///< Glue's: no new version at all.
  kBackward,
  kBackwardAll,
  kForward,
  kForwardAll,
  kFull,
  kFullAll,
};

struct SchemaText {
  SchemaKind kind = SchemaKind::kAvro;
  std::string text;
};

/// A schema that a registry holds.
struct RegisteredSchema {
  SchemaId id;
  int version = 0;  ///< Within its subject, from 1; 0: nobody asked within one.
  SchemaText schema;
  /// The schemas that it refers to, each behind those that it refers to itself.
  std::vector<std::string> dependencies;
};

/// A schema registry: its API and the frame that it has before each record. Thread safe; calls
/// block until they are done or given up, and are meant to be few: what an id names can be kept.
///
/// Answers tell apart what is not there (none: a bad record, or a subject that nobody has made)
/// from an outage, which is an error: kServiceAway, kServiceBusy, kBadAnswer (all kRetry, after
/// some tries), kAccessDenied, kServiceRefused, kNotTrusted, kCallCancelled, and those of
/// AwsCredentialProvider.
class SchemaRegistry {
 public:
  virtual ~SchemaRegistry() = default;

  /// Pure. The payload is a part of `record`.
  virtual FrameSplit SplitFrame(std::string_view record) const = 0;
  /// Pure. Appends what stands before uncompressed data.
  virtual void AppendFrameHeader(const SchemaId& id, std::string& out) const = 0;

  virtual Result<std::optional<RegisteredSchema>> FetchById(const SchemaId& id) = 0;
  virtual Result<std::optional<RegisteredSchema>> Newest(const std::string& subject) = 0;
  /// All versions that count, oldest first; empty where there is no such subject.
  virtual Result<std::vector<RegisteredSchema>> Versions(const std::string& subject) = 0;
  /// The version of the subject that is this very schema.
  virtual Result<std::optional<RegisteredSchema>> Find(const std::string& subject,
                                                       const SchemaText& schema) = 0;
  /// Makes the schema the subject's newest version, unless it is one already, and returns its id.
  /// A subject that is made by that gets `compatibility` (none: the registry's own choice). Errors
  /// also: kSchemaRefused where the registry does not take it.
  virtual Result<SchemaId> Register(const std::string& subject, const SchemaText& schema,
                                    std::optional<SchemaCompatibility> compatibility) = 0;
  /// None where there is no such subject, and no choice for all of them.
  virtual Result<std::optional<SchemaCompatibility>> CompatibilityOf(
      const std::string& subject) = 0;
  /// Of a subject that is there.
  virtual Status SetCompatibility(const std::string& subject,
                                  SchemaCompatibility compatibility) = 0;

  /// Ends what is under way with kCallCancelled, and all later calls.
  virtual void Cancel() = 0;
};

/// Pure: the two frames. Confluent's is byte 0 and an id of 4 bytes; Glue's is byte 3, byte 0 or 5
/// (zlib) and an id of 16.
FrameSplit SplitConfluentFrame(std::string_view record);
FrameSplit SplitGlueFrame(std::string_view record);

}  // namespace weir
