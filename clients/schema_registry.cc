#include "clients/schema_registry.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/hex.h"

namespace weir {
namespace {

constexpr std::pair<SchemaKind, std::string_view> kKinds[] = {
    {SchemaKind::kAvro, "AVRO"}, {SchemaKind::kJson, "JSON"}, {SchemaKind::kProtobuf, "PROTOBUF"}};
constexpr size_t kUuidBytes = 16;
constexpr size_t kConfluentHeader = 1 + 4;
constexpr size_t kGlueHeader = 2 + kUuidBytes;

/// What a record without the frame looks like instead; empty where it looks like nothing known.
std::string LooksLike(std::string_view record) {
  if (record.starts_with('{') || record.starts_with('[') || record.starts_with('"')) {
    return "; it looks like JSON";
  }
  if (record.starts_with("Obj\x01")) return "; it looks like an Avro file";
  if (record.starts_with('\0') && record.size() >= kConfluentHeader) {
    return "; it looks like one that was framed for Confluent's registry";
  }
  if (record.starts_with('\x01') && record.size() > kUuidBytes) {
    return "; it looks like Confluent's newer frame with a GUID, which weir does not know";
  }
  if (record.starts_with('\x03') && record.size() >= kGlueHeader &&
      (record[1] == 0 || record[1] == 5)) {
    return "; it looks like one that was framed for AWS Glue";
  }
  return {};
}

FrameSplit Fault(std::string what) { return {std::nullopt, std::move(what)}; }

}  // namespace

SchemaId SchemaId::OfNumber(uint32_t number) {
  SchemaId id;
  id.size_ = 4;
  for (int i = 0; i < 4; i++) {
    id.bytes_[static_cast<size_t>(i)] = static_cast<uint8_t>(number >> (24 - 8 * i));
  }
  return id;
}

SchemaId SchemaId::OfUuid(std::string_view bytes) {
  WEIR_CHECK(bytes.size() == kUuidBytes);
  SchemaId id;
  id.size_ = kUuidBytes;
  std::memcpy(id.bytes_.data(), bytes.data(), kUuidBytes);
  return id;
}

std::optional<SchemaId> SchemaId::FromText(std::string_view text) {
  if (text.size() != 36) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
      return std::nullopt;
    }
    return OfNumber(number);
  }
  std::string digits;
  for (size_t i = 0; i < text.size(); i++) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash != (text[i] == '-')) return std::nullopt;
    if (!dash) digits += text[i];
  }
  const std::optional<std::string> bytes = FromHex(digits);
  if (!bytes) return std::nullopt;
  return OfUuid(*bytes);
}

std::string SchemaId::ToString() const {
  if (size_ == 4) {
    uint32_t number = 0;
    for (int i = 0; i < 4; i++) number = number << 8 | bytes_[static_cast<size_t>(i)];
    return std::to_string(number);
  }
  std::string text = Hex(bytes());
  if (size_ == 0) return text;
  for (const size_t dash : {8, 13, 18, 23}) text.insert(dash, "-");
  return text;
}

std::string_view NameOf(SchemaKind kind) {
  for (const auto& [each, name] : kKinds) {
    if (each == kind) return name;
  }
  return {};
}

std::optional<SchemaKind> SchemaKindOf(std::string_view name) {
  for (const auto& [kind, each] : kKinds) {
    if (each == name) return kind;
  }
  return std::nullopt;
}

FrameSplit SplitConfluentFrame(std::string_view record) {
  if (record.size() < kConfluentHeader || record[0] != 0) {
    return Fault("no frame of a schema registry: it begins with byte 0 and a schema id of 4 bytes" +
                 LooksLike(record));
  }
  uint32_t number = 0;
  for (size_t i = 1; i <= 4; i++) number = number << 8 | static_cast<uint8_t>(record[i]);
  return {SchemaFrame{SchemaId::OfNumber(number), record.substr(kConfluentHeader), false}, {}};
}

FrameSplit SplitGlueFrame(std::string_view record) {
  if (record.size() < kGlueHeader || record[0] != 3) {
    return Fault(
        "no frame of AWS Glue: it begins with byte 3, the kind of compression and an id of 16 "
        "bytes" +
        LooksLike(record));
  }
  if (record[1] != 0 && record[1] != 5) {
    return Fault("a frame of AWS Glue with compression " +
                 std::to_string(static_cast<uint8_t>(record[1])) +
                 "; known are 0 (none), 5 (zlib)");
  }
  return {SchemaFrame{SchemaId::OfUuid(record.substr(2, kUuidBytes)), record.substr(kGlueHeader),
                      record[1] == 5},
          {}};
}

}  // namespace weir
