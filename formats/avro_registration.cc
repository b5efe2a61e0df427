#include "formats/avro_registration.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/hex.h"
#include "base/log.h"
#include "clients/sigv4.h"
#include "formats/avro_compatibility.h"
#include "formats/errors.h"

namespace weir {
namespace {

constexpr size_t kMostReasons = 5;

/// None for kDisabled.
std::optional<AvroCompatibility> RuleOf(SchemaCompatibility compatibility) {
  switch (compatibility) {
    case SchemaCompatibility::kDisabled:
      return std::nullopt;
    case SchemaCompatibility::kNone:
      return AvroCompatibility::kNone;
    case SchemaCompatibility::kBackward:
      return AvroCompatibility::kBackward;
    case SchemaCompatibility::kBackwardAll:
      return AvroCompatibility::kBackwardTransitive;
    case SchemaCompatibility::kForward:
      return AvroCompatibility::kForward;
    case SchemaCompatibility::kForwardAll:
      return AvroCompatibility::kForwardTransitive;
    case SchemaCompatibility::kFull:
      return AvroCompatibility::kFull;
    case SchemaCompatibility::kFullAll:
      return AvroCompatibility::kFullTransitive;
  }
  return std::nullopt;
}

/// Whether not just the newest version counts.
bool CountsAll(SchemaCompatibility compatibility) {
  return compatibility == SchemaCompatibility::kBackwardAll ||
         compatibility == SchemaCompatibility::kForwardAll ||
         compatibility == SchemaCompatibility::kFullAll;
}

Status Incompatible(const std::string& subject, const std::string& why) {
  return Status(errors::kIncompatibleSchema,
                fmt::format("the schema cannot follow those of subject '{}': {}", subject, why),
                "give new fields a default and keep the types of old ones, or choose another "
                "'compatibility' or subject");
}

Status MayFollow(const AvroRegistration& wanted, const std::vector<AvroSchemaPtr>& earlier,
                 SchemaCompatibility compatibility) {
  const std::optional<AvroCompatibility> rule = RuleOf(compatibility);
  if (!rule) return Incompatible(wanted.subject, "it takes no new versions");
  const auto found = FindIncompatibilities(*rule, *wanted.schema, earlier);
  if (found.empty()) return Status::Ok();
  std::string reasons;
  for (size_t i = 0; i < found.size() && i < kMostReasons; i++) {
    const std::string at = found[i].path.empty() ? "" : found[i].path + ": ";
    reasons += (i > 0 ? "; " : "") + at + found[i].reason;
  }
  if (found.size() > kMostReasons) reasons += fmt::format("; {} more", found.size() - kMostReasons);
  return Incompatible(wanted.subject, reasons);
}

}  // namespace

Result<SchemaId> FindOrRegister(SchemaRegistry& registry, const AvroRegistration& wanted) {
  const SchemaText text{SchemaKind::kAvro, wanted.text};
  if (const auto found = WEIR_TRY(registry.Find(wanted.subject, text))) return found->id;
  const std::optional<RegisteredSchema> newest = WEIR_TRY(registry.Newest(wanted.subject));
  SchemaCompatibility compatibility = wanted.compatibility.value_or(SchemaCompatibility::kNone);
  if (newest && !wanted.compatibility) {
    compatibility =
        WEIR_TRY(registry.CompatibilityOf(wanted.subject)).value_or(SchemaCompatibility::kNone);
  }
  std::vector<RegisteredSchema> versions;
  if (newest && CountsAll(compatibility)) {
    versions = WEIR_TRY(registry.Versions(wanted.subject));
  } else if (newest) {
    versions.push_back(*newest);
  }
  std::vector<AvroSchemaPtr> earlier;
  for (const RegisteredSchema& version : versions) {
    if (version.schema.kind != SchemaKind::kAvro) {
      return Incompatible(wanted.subject,
                          fmt::format("its version {} is of kind {}", version.version,
                                      NameOf(version.schema.kind)));
    }
    earlier.push_back(WEIR_TRY(AvroSchema::Parse(version.schema.text, version.dependencies)));
    // The same but for what has no meaning: documentation, the order of attributes, spaces.
    if (earlier.back()->normalised() == wanted.schema->normalised()) return version.id;
  }
  if (!wanted.may_register) {
    return Status(errors::kNotRegistered,
                  fmt::format("subject '{}' does not have the schema of this sink", wanted.subject),
                  "register it, or let weir: register: true");
  }
  if (newest) WEIR_TRY(MayFollow(wanted, earlier, compatibility));
  const SchemaId id = WEIR_TRY(
      registry.Register(wanted.subject, text, newest ? std::nullopt : wanted.compatibility));
  log::Info("a schema is registered", {{"subject", wanted.subject}, {"id", id.ToString()}});
  return id;
}

Result<SchemaId> FindOrRegister(SchemaRegistry& registry, const std::string& address,
                                const AvroRegistration& wanted, SchemaShelf* shelf) {
  const std::string name =
      "id-" + Hex(Sha256Of(address + "\n" + wanted.subject + "\n" + wanted.schema->normalised()));
  Result<SchemaId> id = FindOrRegister(registry, wanted);
  if (shelf == nullptr) return id;
  if (id.ok()) {
    WEIR_TRY(shelf->Keep(name, id->ToString()));
    return id;
  }
  if (id.status().code().kind != ErrorKind::kRetry) return id;
  const std::optional<std::string> kept = WEIR_TRY(shelf->Find(name));
  const std::optional<SchemaId> known = kept ? SchemaId::FromText(*kept) : std::nullopt;
  if (!known) return id;
  log::Warn("the schema registry is away, a schema's id is taken from before",
            {{"code", id.status().code().id},
             {"subject", wanted.subject},
             {"id", known->ToString()},
             {"reason", id.status().message()}});
  return *known;
}

}  // namespace weir
