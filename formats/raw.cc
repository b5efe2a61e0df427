#include "formats/raw.h"

#include <fmt/format.h>

#include "formats/errors.h"
#include "formats/splitter.h"

namespace weir {
namespace {

/// `raw` has no options.
struct RawOptions {
  static const Spec<RawOptions>& Describe() {
    static const Spec<RawOptions> spec(
        "raw", "The bytes of each record as they are, in one column: value.", {}, "format: raw");
    return spec;
  }
};

class RawDecoder final : public Decoder {
 public:
  explicit RawDecoder(SchemaPtr schema) : schema_(std::move(schema)) {}
  const SchemaPtr& schema() const override { return schema_; }

  Status Decode(std::span<const std::string_view> records, BatchBuilder& out,
                std::vector<Rejection>&) override {
    if (schema_->size() == 0) {
      out.AddBareRows(records.size());
      return Status::Ok();
    }
    for (size_t c = 0; c < schema_->size(); c++) {
      for (std::string_view record : records) {
        if (record.data() == nullptr) {
          out.column(c).AppendNull();
        } else {
          out.column(c).AppendText(record);
        }
      }
    }
    return Status::Ok();
  }

 private:
  const SchemaPtr schema_;
};

/// Writes the only column, which is bytes or text.
class RawEncoder final : public Encoder {
 public:
  Status Encode(const Batch& batch, size_t row, std::string& out) override {
    if (!batch.column(0).IsNull(row)) out += batch.column(0).text(row);
    return Status::Ok();
  }
};

class RawDecoding final : public DecodingPlan {
 public:
  const SchemaPtr& columns() const override { return columns_; }
  Result<std::unique_ptr<Decoder>> MakeDecoder(const CodecContext&,
                                               const std::vector<int>& wanted) const override {
    std::vector<Field> fields;
    if (!wanted.empty()) fields = columns_->fields();
    return std::unique_ptr<Decoder>(
        std::make_unique<RawDecoder>(std::make_shared<const Schema>(std::move(fields))));
  }
  std::unique_ptr<RecordSplitter> MakeSplitter() const override { return MakeLineSplitter(); }

 private:
  const SchemaPtr columns_ =
      std::make_shared<const Schema>(std::vector<Field>{{"value", TypeKind::kBytes}});
};

class RawEncoding final : public EncodingPlan {
 public:
  Result<std::unique_ptr<Encoder>> MakeEncoder(const CodecContext&) const override {
    return std::unique_ptr<Encoder>(std::make_unique<RawEncoder>());
  }
};

class RawFormatImpl final : public Format {
 public:
  std::string_view name() const override { return "raw"; }
  std::string_view help() const override { return RawOptions::Describe().help(); }
  const SpecBase& options() const override { return RawOptions::Describe(); }

  std::shared_ptr<const DecodingPlan> PlanDecoding(const FormatRequest& request,
                                                   Diagnostics& diagnostics) const override {
    if (!request.columns.empty()) {
      diagnostics.Error(errors::kFormatColumns, request.place,
                        "format raw has the one column 'value' of type bytes",
                        "leave 'columns' away, or take another format");
      return nullptr;
    }
    return std::make_shared<RawDecoding>();
  }
  std::shared_ptr<const EncodingPlan> PlanEncoding(const FormatRequest& request,
                                                   const Schema& schema,
                                                   Diagnostics& diagnostics) const override {
    if (schema.size() != 1 || !schema[0].type.IsText()) {
      diagnostics.Error(
          errors::kFormatColumns, request.place,
          fmt::format("format raw writes one column of bytes or text, not ({})", schema.ToString()),
          "select one column, or take another format");
      return nullptr;
    }
    return std::make_shared<RawEncoding>();
  }
};

}  // namespace

const Format& RawFormat() {
  static const RawFormatImpl format;
  return format;
}

}  // namespace weir
