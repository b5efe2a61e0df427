#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "clients/errors.h"
#include "clients/schema_registry.h"
#include "formats/format.h"

namespace weir::testing {

/// The schema of a record R with these fields, as they stand in JSON.
inline std::string RecordOf(const std::string& fields) {
  return R"({"type":"record","name":"R","fields":[)" + fields + "]}";
}

/// A registry in memory with Confluent's frame, which can be away. It takes any schema.
class FakeRegistry final : public SchemaRegistry {
 public:
  std::atomic<bool> away{false};
  std::atomic<int> calls{0};
  std::optional<SchemaCompatibility> compatibility;           ///< Of all subjects.
  std::vector<std::optional<SchemaCompatibility>> asked_for;  ///< By Register.

  SchemaId Add(const std::string& subject, const std::string& text,
               SchemaKind kind = SchemaKind::kAvro) {
    const std::lock_guard lock(mutex_);
    const SchemaId id = SchemaId::OfNumber(static_cast<uint32_t>(by_id_.size() + 1));
    auto& versions = subjects_[subject];
    versions.push_back({id, static_cast<int>(versions.size() + 1), {kind, text}, {}});
    by_id_[id] = versions.back();
    return id;
  }
  size_t size() const { return by_id_.size(); }

  FrameSplit SplitFrame(std::string_view record) const override {
    return SplitConfluentFrame(record);
  }
  void AppendFrameHeader(const SchemaId& id, std::string& out) const override {
    out += '\0';
    out += id.bytes();
  }
  Result<std::optional<RegisteredSchema>> FetchById(const SchemaId& id) override {
    WEIR_TRY(Answer());
    const std::lock_guard lock(mutex_);
    const auto at = by_id_.find(id);
    return at == by_id_.end() ? std::optional<RegisteredSchema>() : std::optional(at->second);
  }
  Result<std::optional<RegisteredSchema>> Newest(const std::string& subject) override {
    const auto versions = WEIR_TRY(Versions(subject));
    return versions.empty() ? std::optional<RegisteredSchema>() : std::optional(versions.back());
  }
  Result<std::vector<RegisteredSchema>> Versions(const std::string& subject) override {
    WEIR_TRY(Answer());
    const std::lock_guard lock(mutex_);
    return subjects_[subject];
  }
  Result<std::optional<RegisteredSchema>> Find(const std::string& subject,
                                               const SchemaText& schema) override {
    for (const RegisteredSchema& version : WEIR_TRY(Versions(subject))) {
      if (version.schema.text == schema.text) return std::optional(version);
    }
    return std::optional<RegisteredSchema>();
  }
  Result<SchemaId> Register(const std::string& subject, const SchemaText& schema,
                            std::optional<SchemaCompatibility> wanted) override {
    WEIR_TRY(Answer());
    asked_for.push_back(wanted);
    return Add(subject, schema.text, schema.kind);
  }
  Result<std::optional<SchemaCompatibility>> CompatibilityOf(const std::string&) override {
    WEIR_TRY(Answer());
    return compatibility;
  }
  Status SetCompatibility(const std::string&, SchemaCompatibility) override { return Status::Ok(); }
  void Cancel() override { away = true; }

 private:
  Status Answer() {
    calls++;
    return away ? Status(errors::kServiceAway, "the registry is away") : Status::Ok();
  }

  mutable std::mutex mutex_;
  std::map<SchemaId, RegisteredSchema> by_id_;
  std::map<std::string, std::vector<RegisteredSchema>> subjects_;
};

/// A shelf in memory.
class FakeShelf final : public SchemaShelf {
 public:
  Result<std::optional<std::string>> Find(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    const auto at = kept_.find(name);
    return at == kept_.end() ? std::optional<std::string>() : std::optional(at->second);
  }
  Status Keep(const std::string& name, const std::string& text) override {
    const std::lock_guard lock(mutex_);
    kept_.try_emplace(name, text);
    return Status::Ok();
  }
  size_t size() const { return kept_.size(); }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> kept_;
};

}  // namespace weir::testing
