#include "formats/avro_format.h"

#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "formats/avro_columns.h"
#include "formats/avro_encoder.h"
#include "formats/avro_record_decoder.h"
#include "formats/avro_registration.h"
#include "formats/errors.h"
#include "formats/registry_connection.h"

namespace weir {
namespace {

/// The place of an option, or of all of them where it is not given.
Place PlaceOf(const FormatRequest& request, std::string_view option) {
  const YamlNode* node = request.options != nullptr ? request.options->Find(option) : nullptr;
  return node != nullptr ? node->place() : request.place;
}

void Tell(const Status& status, const Place& place, Diagnostics& diagnostics) {
  diagnostics.Error(status.code(), place, status.message(), status.cure());
}

/// Options that were read, and what they lead to.
struct Settled {
  AvroOptions options;
  RegistryConnectionPtr registry;
};

/// What both ways have in common; `wrong`: options that only the other way has. None after a fault,
/// which was told.
std::optional<Settled> Settle(const FormatRequest& request,
                              std::initializer_list<std::string_view> wrong,
                              std::string_view belongs, Diagnostics& diagnostics) {
  Settled settled;
  if (request.stream) {
    diagnostics.Error(errors::kFormatOption, request.place,
                      "records with a registry's frame stand in topics: they cannot be told apart "
                      "in a file or a stream of lines",
                      "use format: json or csv here");
    return std::nullopt;
  }
  if (!AvroOptions::Describe().Read(request.options, diagnostics, settled.options)) {
    return std::nullopt;
  }
  bool good = true;
  for (const std::string_view option : wrong) {
    if (request.options->Find(option) == nullptr) continue;
    diagnostics.Error(errors::kFormatOption, PlaceOf(request, option),
                      fmt::format("'{}' has no meaning here: it belongs to {}", option, belongs));
    good = false;
  }
  if (!settled.options.schema.file.empty()) {
    diagnostics.Error(
        errors::kFormatOption, PlaceOf(request, "schema"),
        fmt::format("the file '{}' is read where the job's file is", settled.options.schema.file),
        "use 'weir submit', or put the schema's text here");
    good = false;
  }
  if (settled.options.subject.empty()) {
    if (request.topic.empty()) {
      diagnostics.Error(errors::kFormatOption, request.place,
                        "which subject has the schema of several topics must be said",
                        "subject: NAME");
      good = false;
    }
    settled.options.subject = request.topic + "-value";
  }
  const ConnectionSpec* connection = request.connection(
      settled.options.registry, RegistryKindNames(), PlaceOf(request, "registry"));
  if (connection == nullptr) return std::nullopt;
  settled.registry = RegistryConnection::Read(*connection, diagnostics);
  if (!good || !settled.registry) return std::nullopt;
  return settled;
}

class AvroDecoding final : public DecodingPlan {
 public:
  AvroDecoding(Settled settled, AvroSchemaPtr reader, std::vector<ColumnDeclaration> declared,
               SchemaPtr columns)
      : settled_(std::move(settled)),
        reader_(std::move(reader)),
        declared_(std::move(declared)),
        columns_(std::move(columns)) {}

  const SchemaPtr& columns() const override { return columns_; }
  Result<std::unique_ptr<Decoder>> MakeDecoder(const CodecContext& context,
                                               const std::vector<int>& wanted) const override {
    AvroColumns columns = WEIR_TRY(AvroColumns::Make(reader_, declared_, wanted));
    auto registry = WEIR_TRY(settled_.registry->Open());
    auto source =
        std::make_unique<SchemaSource>(registry, settled_.registry->address(), context.shelf);
    return std::unique_ptr<Decoder>(std::make_unique<AvroRecordDecoder>(
        std::move(columns), std::move(registry), settled_.options.subject, std::move(source)));
  }
  std::unique_ptr<RecordSplitter> MakeSplitter() const override { return nullptr; }

 private:
  const Settled settled_;
  const AvroSchemaPtr reader_;
  const std::vector<ColumnDeclaration> declared_;
  const SchemaPtr columns_;
};

/// Puts the frame before each record.
class FramedEncoder final : public Encoder {
 public:
  FramedEncoder(std::string header, std::unique_ptr<Encoder> record)
      : header_(std::move(header)), record_(std::move(record)) {}
  Status Encode(const Batch& batch, size_t row, std::string& out) override {
    out += header_;
    return record_->Encode(batch, row, out);
  }

 private:
  const std::string header_;
  const std::unique_ptr<Encoder> record_;
};

class AvroEncoding final : public EncodingPlan {
 public:
  AvroEncoding(Schema rows, RegistryConnectionPtr registry, AvroRegistration wanted)
      : rows_(std::move(rows)), registry_(std::move(registry)), wanted_(std::move(wanted)) {}

  Status Check(const CodecContext& context) const override {
    WEIR_TRY(Header(context));
    return Status::Ok();
  }
  Result<std::unique_ptr<Encoder>> MakeEncoder(const CodecContext& context) const override {
    std::string header = WEIR_TRY(Header(context));
    return std::unique_ptr<Encoder>(std::make_unique<FramedEncoder>(
        std::move(header), WEIR_TRY(MakeAvroEncoder(rows_, wanted_.schema))));
  }

 private:
  /// Asked once: all tasks of the process share what the registry says.
  Result<std::string> Header(const CodecContext& context) const {
    const std::lock_guard lock(mutex_);
    if (!header_.empty()) return header_;
    const auto registry = WEIR_TRY(registry_->Open());
    const SchemaId id =
        WEIR_TRY(FindOrRegister(*registry, registry_->address(), wanted_, context.shelf.get()));
    registry->AppendFrameHeader(id, header_);
    return header_;
  }

  const Schema rows_;
  const RegistryConnectionPtr registry_;
  const AvroRegistration wanted_;
  mutable std::mutex mutex_;
  mutable std::string header_;
};

/// The subject's version that is asked for, or its newest, as the registry has it.
Result<std::string> AskForReader(const Settled& settled) {
  const AvroOptions& options = settled.options;
  const auto registry = WEIR_TRY(settled.registry->Open());
  std::optional<RegisteredSchema> found;
  if (!options.version) {
    found = WEIR_TRY(registry->Newest(options.subject));
  } else {
    for (RegisteredSchema& version : WEIR_TRY(registry->Versions(options.subject))) {
      if (version.version == *options.version) found = std::move(version);
    }
  }
  const auto missing = [&](std::string what) {
    return Status(errors::kNotPinned, std::move(what),
                  "name another 'subject' or 'version', or the schema itself: schema: { file: "
                  "NAME.avsc }");
  };
  if (!found) {
    return missing(options.version
                       ? fmt::format("the registry has no version {} of subject '{}'",
                                     *options.version, options.subject)
                       : fmt::format("the registry has no subject '{}'", options.subject));
  }
  if (found->schema.kind != SchemaKind::kAvro) {
    return missing(fmt::format("the schema of subject '{}' is of kind {}, not AVRO",
                               options.subject, NameOf(found->schema.kind)));
  }
  if (!found->dependencies.empty()) {
    return missing(fmt::format("the schema of subject '{}' refers to others", options.subject));
  }
  return std::move(found->schema.text);
}

/// The text of the schema that a source reads with; none after a fault, which was told.
std::optional<std::string> ReaderOf(const FormatRequest& request, const Settled& settled,
                                    Diagnostics& diagnostics) {
  const AvroOptions& options = settled.options;
  if (!options.schema.text.empty()) return options.schema.text;
  std::string about = fmt::format("{} {}", options.registry, options.subject);
  if (options.version) about += fmt::format(" version {}", *options.version);
  Result<std::string> text =
      request.learned->Learn(request.node, about, [&] { return AskForReader(settled); });
  if (text.ok()) return *std::move(text);
  if (text.status().Is(errors::kNotPinned)) {
    Tell(text.status(), request.place, diagnostics);
  } else {
    diagnostics.Error(
        errors::kNotPinned, PlaceOf(request, "registry"),
        fmt::format("the schema of subject '{}' cannot be had: {} ({})", options.subject,
                    text.status().message(), text.status().code().id),
        "see to the registry, or do without it: schema: { file: NAME.avsc }");
  }
  return std::nullopt;
}

/// A record's name out of a subject's: letters, digits and _.
std::string RecordNameOf(std::string_view subject) {
  if (subject.ends_with("-value")) subject.remove_suffix(6);
  std::string name;
  for (const char c : subject) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += good ? c : '_';
  }
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(0, "_");
  return name;
}

class AvroFormatImpl final : public Format {
 public:
  std::string_view name() const override { return "avro"; }
  std::string_view help() const override { return AvroOptions::Describe().help(); }
  const SpecBase& options() const override { return AvroOptions::Describe(); }
  std::vector<std::string> file_options() const override { return {"schema"}; }

  std::shared_ptr<const DecodingPlan> PlanDecoding(const FormatRequest& request,
                                                   Diagnostics& diagnostics) const override {
    std::optional<Settled> settled =
        Settle(request, {"register", "compatibility"}, "sinks", diagnostics);
    if (!settled) return nullptr;
    const std::optional<std::string> text = ReaderOf(request, *settled, diagnostics);
    if (!text) return nullptr;
    const Result<AvroSchemaPtr> reader = AvroSchema::Parse(*text);
    if (!reader.ok()) {
      Tell(reader.status(), PlaceOf(request, "schema"), diagnostics);
      return nullptr;
    }
    const Result<SchemaPtr> columns = AvroColumns::SchemaOf(**reader, request.columns);
    if (!columns.ok()) {
      Tell(columns.status(), request.place, diagnostics);
      return nullptr;
    }
    return std::make_shared<AvroDecoding>(*std::move(settled), *reader, request.columns, *columns);
  }

  std::shared_ptr<const EncodingPlan> PlanEncoding(const FormatRequest& request,
                                                   const Schema& schema,
                                                   Diagnostics& diagnostics) const override {
    std::optional<Settled> settled = Settle(request, {"version", "pinned"}, "sources", diagnostics);
    if (!settled) return nullptr;
    AvroOptions& options = settled->options;
    AvroRegistration wanted;
    wanted.subject = options.subject;
    wanted.may_register = options.may_register;
    wanted.compatibility = options.compatibility;
    wanted.text = std::move(options.schema.text);
    const Place place = PlaceOf(request, "schema");
    if (wanted.text.empty()) {
      Result<std::string> derived = AvroSchemaOf(schema, RecordNameOf(wanted.subject));
      if (!derived.ok()) {
        Tell(derived.status(), place, diagnostics);
        return nullptr;
      }
      wanted.text = *std::move(derived);
    }
    const Result<AvroSchemaPtr> parsed = AvroSchema::Parse(wanted.text);
    if (!parsed.ok()) {
      Tell(parsed.status(), place, diagnostics);
      return nullptr;
    }
    wanted.schema = *parsed;
    if (const auto encoder = MakeAvroEncoder(schema, *parsed); !encoder.ok()) {
      Tell(encoder.status(), place, diagnostics);
      return nullptr;
    }
    return std::make_shared<AvroEncoding>(schema, settled->registry, std::move(wanted));
  }
};

}  // namespace

std::vector<Choice<SchemaCompatibility>> ChoicesOf(SchemaCompatibility) {
  return {{"NONE", SchemaCompatibility::kNone},
          {"BACKWARD", SchemaCompatibility::kBackward},
          {"BACKWARD_TRANSITIVE", SchemaCompatibility::kBackwardAll},
          {"FORWARD", SchemaCompatibility::kForward},
          {"FORWARD_TRANSITIVE", SchemaCompatibility::kForwardAll},
          {"FULL", SchemaCompatibility::kFull},
          {"FULL_TRANSITIVE", SchemaCompatibility::kFullAll}};
}

const Spec<PinnedText>& PinnedText::Describe() {
  static const Spec<PinnedText> spec(
      "pinned", "What weir found at the registry when the job was submitted.",
      {Required("of", &PinnedText::of, "The registry, subject and version that were asked for."),
       Required("text", &PinnedText::text, "The schema.")},
      "");
  return spec;
}

const Spec<AvroSchemaOption>& AvroSchemaOption::Describe() {
  static const Spec<AvroSchemaOption> spec(
      "schema", "A schema: its text, or the file that it stands in.",
      {Bare(&AvroSchemaOption::text, "The schema's JSON.", NotEmpty),
       Optional("file", &AvroSchemaOption::file, "Counts from the job's folder.", NotEmpty)},
      "schema: { file: order.avsc }");
  return spec;
}

const Spec<AvroOptions>& AvroOptions::Describe() {
  static const Spec<AvroOptions> spec(
      "avro", "Avro records in a schema registry's frame.",
      {Required("registry", &AvroOptions::registry, "Name of a schema_registry or glue connection.",
                NotEmpty),
       Optional("subject", &AvroOptions::subject,
                "What the registry calls the schema; left out: TOPIC-value.", NotEmpty),
       Optional("schema", &AvroOptions::schema,
                "Sources: what records are read as; left out: the subject's newest version when "
                "the job is submitted. Sinks: what they are written with; left out: made from the "
                "columns."),
       Optional("version", &AvroOptions::version,
                "Sources: the subject's version to read with, in place of the newest.", Positive),
       Optional("register", &AvroOptions::may_register, false,
                "Sinks: whether a schema that the subject does not have yet is registered."),
       Optional("compatibility", &AvroOptions::compatibility, std::nullopt,
                "Sinks: what a schema that is registered must keep to; left out: what the subject "
                "itself asks for."),
       Optional("pinned", &AvroOptions::pinned,
                "Written by weir: the schema that it found for a source when the job was "
                "submitted.")},
      "format: { avro: { registry: registry, subject: orders } }");
  return spec;
}

const Format& AvroFormat() {
  static const AvroFormatImpl format;
  return format;
}

}  // namespace weir
