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

class JsonDecoding final : public DecodingPlan {
 public:
  JsonDecoding(std::vector<ColumnDeclaration> declared, SchemaPtr columns)
      : declared_(std::move(declared)), columns_(std::move(columns)) {}
  const SchemaPtr& columns() const override { return columns_; }
  Result<std::unique_ptr<Decoder>> MakeDecoder(const CodecContext&,
                                               const std::vector<int>& wanted) const override {
    return MakeJsonDecoder(declared_, wanted);
  }
  std::unique_ptr<RecordSplitter> MakeSplitter() const override { return MakeLineSplitter(); }

 private:
  const std::vector<ColumnDeclaration> declared_;
  const SchemaPtr columns_;
};

class JsonEncoding final : public EncodingPlan {
 public:
  JsonEncoding(Schema schema, JsonOptions options)
      : schema_(std::move(schema)), options_(options) {}
  Result<std::unique_ptr<Encoder>> MakeEncoder(const CodecContext&) const override {
    return MakeJsonEncoder(schema_, options_);
  }
  std::shared_ptr<const DecodingPlan> Readback() const override {
    std::vector<ColumnDeclaration> declared;
    for (const Field& field : schema_.fields()) {
      ColumnDeclaration& column = declared.emplace_back();
      column.name = field.name;
      column.type = field.type;
    }
    return std::make_shared<JsonDecoding>(std::move(declared),
                                          std::make_shared<const Schema>(schema_));
  }

 private:
  const Schema schema_;
  const JsonOptions options_;
};

class JsonFormatImpl final : public Format {
 public:
  std::string_view name() const override { return "json"; }
  std::string_view help() const override { return JsonOptions::Describe().help(); }
  const SpecBase& options() const override { return JsonOptions::Describe(); }

  std::shared_ptr<const DecodingPlan> PlanDecoding(const FormatRequest& request,
                                                   Diagnostics& diagnostics) const override {
    SchemaPtr columns = DeclaredColumns(request.columns, request.place, diagnostics);
    if (!columns) return nullptr;
    return std::make_shared<JsonDecoding>(request.columns, std::move(columns));
  }
  std::shared_ptr<const EncodingPlan> PlanEncoding(const FormatRequest& request,
                                                   const Schema& schema,
                                                   Diagnostics& diagnostics) const override {
    JsonOptions options;
    if (!JsonOptions::Describe().Read(request.options, diagnostics, options)) return nullptr;
    return std::make_shared<JsonEncoding>(schema, options);
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
