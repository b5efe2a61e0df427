#include "formats/json.h"

#include "formats/json_decoder.h"
#include "formats/splitter.h"
#include "formats/values.h"

namespace weir {

std::vector<Choice<TimestampStyle>> ChoicesOf(TimestampStyle) {
  return {{"epoch_ms", TimestampStyle::kEpochMillis}, {"iso8601", TimestampStyle::kIso8601}};
}

std::vector<Choice<JsonOptions::Nulls>> ChoicesOf(JsonOptions::Nulls) {
  return {{"write", JsonOptions::Nulls::kWrite}, {"omit", JsonOptions::Nulls::kOmit}};
}

const Spec<JsonOptions>& JsonOptions::Describe() {
  static const Spec<JsonOptions> spec(
      "json", "One JSON object per record; in files one per line.",
      {Optional("timestamps", &JsonOptions::timestamps, TimestampStyle::kEpochMillis,
                "How timestamps are written: a number of milliseconds since 1970, or text."),
       Optional("nulls", &JsonOptions::nulls, JsonOptions::Nulls::kWrite,
                "Whether columns without a value are written as null or left out.")},
      "format: { json: { timestamps: iso8601, nulls: omit } }");
  return spec;
}

namespace {

class JsonEncoder final : public Encoder {
 public:
  JsonEncoder(const Schema& schema, const JsonOptions& options) : options_(options) {
    for (const Field& field : schema.fields()) {
      std::string name;
      AppendJsonString(name, field.name);
      names_.push_back(name + ":");
    }
  }

  Status Encode(const Batch& batch, size_t row, std::string& out) override {
    out += '{';
    bool first = true;
    for (size_t c = 0; c < names_.size(); c++) {
      const Column& column = batch.column(c);
      if (options_.nulls == JsonOptions::Nulls::kOmit && column.IsNull(row)) continue;
      if (!first) out += ',';
      first = false;
      out += names_[c];
      AppendJsonValue(out, column, row, options_.timestamps);
    }
    out += '}';
    return Status::Ok();
  }

 private:
  const JsonOptions options_;
  std::vector<std::string> names_;  // With quotes and colon.
};

class JsonFormatImpl final : public Format {
 public:
  std::string_view name() const override { return "json"; }
  std::string_view help() const override { return JsonOptions::Describe().help(); }
  const SpecBase& options() const override { return JsonOptions::Describe(); }

  SchemaPtr Columns(const std::vector<ColumnDeclaration>& declared, const Place& place,
                    Diagnostics& diagnostics) const override {
    return DeclaredColumns(declared, place, diagnostics);
  }
  Result<std::unique_ptr<Decoder>> MakeDecoder(const std::vector<ColumnDeclaration>& declared,
                                               const YamlNode*,
                                               const std::vector<int>& wanted) const override {
    return MakeJsonDecoder(declared, wanted);
  }
  std::unique_ptr<RecordSplitter> MakeSplitter(const YamlNode*) const override {
    return MakeLineSplitter();
  }
  Result<std::unique_ptr<Encoder>> MakeEncoder(const Schema& schema,
                                               const YamlNode* options) const override {
    JsonOptions read;
    Diagnostics diagnostics;
    if (!JsonOptions::Describe().Read(options, diagnostics, read)) return diagnostics.ToStatus();
    return MakeJsonEncoder(schema, read);
  }
};

}  // namespace

std::unique_ptr<Encoder> MakeJsonEncoder(const Schema& schema, const JsonOptions& options) {
  return std::make_unique<JsonEncoder>(schema, options);
}

const Format& JsonFormat() {
  static const JsonFormatImpl format;
  return format;
}

}  // namespace weir
