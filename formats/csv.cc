#include "formats/csv.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "batch/utf8.h"
#include "formats/errors.h"
#include "formats/json.h"
#include "formats/json_value.h"
#include "formats/splitter.h"
#include "formats/values.h"

namespace weir {

const Spec<CsvOptions>& CsvOptions::Describe() {
  static const Spec<CsvOptions> spec(
      "csv", "Lines of fields (RFC 4180).",
      {Optional("header", &CsvOptions::header, false,
                "Whether files begin with a line of column names; columns are then found by name."),
       Optional("delimiter", &CsvOptions::delimiter, std::string(","),
                "The character between fields.",
                Condition("one character, no quote and no line break",
                          [](const std::string& text) {
                            return text.size() == 1 && text != "\"" && text != "\n" &&
                                   text != "\r" && static_cast<unsigned char>(text[0]) < 0x80;
                          })),
       Optional("null", &CsvOptions::null_text, std::string(),
                "What stands, without quotes, for a value that is not there."),
       Optional("timestamps", &CsvOptions::timestamps, TimestampStyle::kEpochMillis,
                "How timestamps are written: a number of milliseconds since 1970, or text.")},
      "format: { csv: { header: true, delimiter: ';' } }");
  return spec;
}

namespace {

/// A field of a record as it is read.
struct CsvField {
  std::string_view text;  // In the record, or in the splitter's memory where quotes were doubled.
  bool quoted = false;
};

/// Cuts one record into fields.
class FieldCutter {
 public:
  explicit FieldCutter(char delimiter) : delimiter_(delimiter) {}

  /// Empty, or what is wrong with the record.
  std::string_view Cut(std::string_view record, std::vector<CsvField>& fields) {
    fields.clear();
    unescaped_.clear();
    // Views into it must stay where they are.
    unescaped_.reserve(record.size());
    size_t i = 0;
    while (true) {
      CsvField field;
      if (i < record.size() && record[i] == '"') {
        const std::string_view fault = CutQuoted(record, i, field);
        if (!fault.empty()) return fault;
      } else {
        const size_t begin = i;
        for (; i < record.size() && record[i] != delimiter_; i++) {
          if (record[i] == '"') return "a quote inside a field without quotes";
          if (record[i] == '\n' || record[i] == '\r') return "a line break outside quotes";
        }
        field.text = record.substr(begin, i - begin);
      }
      fields.push_back(field);
      if (i == record.size()) return {};
      if (record[i] != delimiter_) return "something follows a field's closing quote";
      i++;
    }
  }

 private:
  std::string_view CutQuoted(std::string_view record, size_t& i, CsvField& field) {
    const size_t begin = ++i;
    bool doubled = false;
    for (; i < record.size(); i++) {
      if (record[i] != '"') continue;
      if (i + 1 < record.size() && record[i + 1] == '"') {
        doubled = true;
        i++;
        continue;
      }
      field.quoted = true;
      field.text = record.substr(begin, i - begin);
      i++;
      if (doubled) field.text = Undouble(field.text);
      return {};
    }
    return "a quote is not closed";
  }
  std::string_view Undouble(std::string_view text) {
    const size_t begin = unescaped_.size();
    for (size_t k = 0; k < text.size(); k++) {
      unescaped_ += text[k];
      if (text[k] == '"') k++;
    }
    return std::string_view(unescaped_).substr(begin);
  }

  const char delimiter_;
  std::string unescaped_;
};

std::string_view WithoutLineEnd(std::string_view record) {
  if (!record.empty() && record.back() == '\n') record.remove_suffix(1);
  if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
  return record;
}

/// CSV files have numbers that JSON does not know: `007`, `+5`.
std::string PlainNumber(std::string_view text) {
  std::string number;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    if (text[0] == '-') number = "-";
    text.remove_prefix(1);
  }
  while (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') {
    text.remove_prefix(1);
  }
  return number.append(text);
}

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), [](char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) == b;
  });
}

class CsvDecoder final : public Decoder {
 public:
  CsvDecoder(std::vector<ColumnDeclaration> declared, std::vector<int> wanted, SchemaPtr schema,
             std::vector<TimeReader> times, CsvOptions options)
      : declared_(std::move(declared)),
        schema_(std::move(schema)),
        times_(std::move(times)),
        options_(std::move(options)),
        cutter_(options_.delimiter[0]),
        wanted_(std::move(wanted)),
        places_(wanted_.begin(), wanted_.end()),
        width_(declared_.size()) {}

  const SchemaPtr& schema() const override { return schema_; }
  bool HasHeader() const override { return options_.header; }

  Status TakeHeader(std::string_view record) override {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    record = WithoutLineEnd(record);
    if (record.starts_with(kByteOrderMark)) record.remove_prefix(kByteOrderMark.size());
    const std::string_view fault = cutter_.Cut(record, fields_);
    if (!fault.empty()) {
      return Status(errors::kWrongHeader, fmt::format("the line of column names: {}", fault));
    }
    for (size_t c = 0; c < wanted_.size(); c++) {
      const ColumnDeclaration& column = declared_[static_cast<size_t>(wanted_[c])];
      const std::string& name = column.from.empty() ? column.name : column.from;
      const auto at = std::find_if(fields_.begin(), fields_.end(),
                                   [&](const CsvField& field) { return field.text == name; });
      if (at == fields_.end()) {
        return Status(errors::kWrongHeader,
                      fmt::format("no column '{}' in the line of column names ({})", name,
                                  ForMessage(record)),
                      "correct 'columns', or name the place with 'from'");
      }
      places_[c] = static_cast<size_t>(at - fields_.begin());
    }
    width_ = fields_.size();
    return Status::Ok();
  }

  Status Decode(std::span<const std::string_view> records, BatchBuilder& out,
                std::vector<Rejection>& rejected) override {
    for (size_t i = 0; i < records.size(); i++) {
      const size_t row = wanted_.empty() ? 0 : out.column(0).size();
      Rejection rejection{static_cast<uint32_t>(i), nullptr, {}};
      if (DecodeRecord(records[i], out, rejection)) {
        if (wanted_.empty()) out.AddBareRows(1);
        continue;
      }
      for (size_t c = 0; c < wanted_.size(); c++) out.column(c).Truncate(row);
      rejected.push_back(std::move(rejection));
    }
    return Status::Ok();
  }

 private:
  static bool Refuse(Rejection& rejection, const ErrorCode& code, std::string reason) {
    rejection.code = &code;
    rejection.reason = std::move(reason);
    return false;
  }

  bool DecodeRecord(std::string_view record, BatchBuilder& out, Rejection& rejection) {
    if (record.data() == nullptr) {
      return Refuse(rejection, errors::kNoRecord, "the record has no value (a tombstone)");
    }
    record = WithoutLineEnd(record);
    if (record.empty()) return Refuse(rejection, errors::kNoRecord, "the record is empty");
    if (!IsUtf8(record)) {
      return Refuse(rejection, errors::kMalformedRecord, "the record is not UTF-8");
    }
    const std::string_view fault = cutter_.Cut(record, fields_);
    if (!fault.empty()) {
      return Refuse(rejection, errors::kMalformedRecord, fmt::format("not CSV: {}", fault));
    }
    if (fields_.size() != width_) {
      return Refuse(rejection, errors::kWrongFieldCount,
                    fmt::format("{} fields, expected {}", fields_.size(), width_));
    }
    for (size_t c = 0; c < wanted_.size(); c++) {
      ValueFault value;
      if (Take(fields_[places_[c]], times_[c], out.column(c), value)) continue;
      return Refuse(
          rejection, errors::kWrongValue,
          fmt::format("{}{}: expected {}, got {}", (*schema_)[c].name, value.path,
                      ExpectedText(out.column(c).type()), ForMessage(fields_[places_[c]].text)));
    }
    return true;
  }

  bool Take(const CsvField& field, const TimeReader& times, ColumnBuilder& out, ValueFault& fault) {
    const std::string_view text = field.text;
    const Type& type = out.type();
    if (!field.quoted && text == options_.null_text) {
      out.AppendNull();
      return true;
    }
    if (type.Is(TypeKind::kString)) {
      out.AppendText(text);
      return true;
    }
    if (text.empty()) {
      out.AppendNull();
      return true;
    }
    if (type.IsNested() || type.Is(TypeKind::kJson)) {
      JsonReader reader(text);
      return AppendJson(reader, times, out, scratch_, fault) && reader.AtEnd();
    }
    if (type.Is(TypeKind::kBool)) {
      const bool yes = EqualsIgnoringCase(text, "true");
      if (!yes && !EqualsIgnoringCase(text, "false")) return false;
      out.AppendBool(yes);
      return true;
    }
    if (type.IsNumeric()) {
      const std::string number = PlainNumber(text);
      return IsJsonNumber(number) && AppendJsonScalar(number, times, out, scratch_, fault);
    }
    if (type.Is(TypeKind::kTimestamp) && !times.HasLayout() && IsJsonNumber(text)) {
      return AppendJsonScalar(text, times, out, scratch_, fault);
    }
    return AppendText(text, times, out);
  }

  const std::vector<ColumnDeclaration> declared_;
  const SchemaPtr schema_;
  const std::vector<TimeReader> times_;
  const CsvOptions options_;
  FieldCutter cutter_;
  const std::vector<int> wanted_;
  std::vector<size_t> places_;  // Of each wanted column among the fields.
  size_t width_;
  std::vector<CsvField> fields_;
  std::string scratch_;
};

class CsvEncoder final : public Encoder {
 public:
  CsvEncoder(const Schema& schema, const CsvOptions& options)
      : schema_(schema), options_(options) {}

  std::string FileHeader() const override {
    if (!options_.header) return {};
    std::string line;
    for (size_t c = 0; c < schema_.size(); c++) {
      if (c > 0) line += options_.delimiter;
      AppendField(schema_[c].name, line);
    }
    return line + "\n";
  }

  Status Encode(const Batch& batch, size_t row, std::string& out) override {
    const size_t begin = out.size();
    for (size_t c = 0; c < schema_.size(); c++) {
      if (c > 0) out += options_.delimiter;
      const Column& column = batch.column(c);
      if (column.IsNull(row)) {
        out += options_.null_text;
        continue;
      }
      const TypeKind kind = column.type().kind();
      if (kind == TypeKind::kString || kind == TypeKind::kJson) {
        AppendField(column.text(row), out);
        continue;
      }
      text_.clear();
      AppendJsonValue(text_, column, row, options_.timestamps);
      std::string_view plain = text_;
      if (plain == "null") {
        // A double that is no number.
        out += options_.null_text;
        continue;
      }
      if (plain.size() >= 2 && plain[0] == '"') plain = plain.substr(1, plain.size() - 2);
      AppendField(plain, out);
    }
    if (out.size() == begin) out += "\"\"";
    return Status::Ok();
  }

 private:
  void AppendField(std::string_view text, std::string& out) const {
    const bool plain = text != options_.null_text &&
                       text.find_first_of("\"\r\n") == std::string_view::npos &&
                       text.find(options_.delimiter[0]) == std::string_view::npos;
    if (plain) {
      out += text;
      return;
    }
    out += '"';
    for (char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }

  const Schema schema_;
  const CsvOptions options_;
  std::string text_;
};

class CsvDecoding final : public DecodingPlan {
 public:
  CsvDecoding(std::vector<ColumnDeclaration> declared, SchemaPtr columns, CsvOptions options)
      : declared_(std::move(declared)),
        columns_(std::move(columns)),
        options_(std::move(options)) {}
  const SchemaPtr& columns() const override { return columns_; }
  Result<std::unique_ptr<Decoder>> MakeDecoder(const CodecContext&,
                                               const std::vector<int>& wanted) const override {
    return MakeCsvDecoder(declared_, options_, wanted);
  }
  std::unique_ptr<RecordSplitter> MakeSplitter() const override { return MakeCsvSplitter(); }

 private:
  const std::vector<ColumnDeclaration> declared_;
  const SchemaPtr columns_;
  const CsvOptions options_;
};

class CsvEncoding final : public EncodingPlan {
 public:
  CsvEncoding(Schema schema, CsvOptions options)
      : schema_(std::move(schema)), options_(std::move(options)) {}
  Result<std::unique_ptr<Encoder>> MakeEncoder(const CodecContext&) const override {
    return MakeCsvEncoder(schema_, options_);
  }

 private:
  const Schema schema_;
  const CsvOptions options_;
};

class CsvFormatImpl final : public Format {
 public:
  std::string_view name() const override { return "csv"; }
  std::string_view help() const override { return CsvOptions::Describe().help(); }
  const SpecBase& options() const override { return CsvOptions::Describe(); }

  std::shared_ptr<const DecodingPlan> PlanDecoding(const FormatRequest& request,
                                                   Diagnostics& diagnostics) const override {
    CsvOptions options;
    const bool good = CsvOptions::Describe().Read(request.options, diagnostics, options);
    SchemaPtr columns = DeclaredColumns(request.columns, request.place, diagnostics);
    if (!good || !columns) return nullptr;
    return std::make_shared<CsvDecoding>(request.columns, std::move(columns), std::move(options));
  }
  std::shared_ptr<const EncodingPlan> PlanEncoding(const FormatRequest& request,
                                                   const Schema& schema,
                                                   Diagnostics& diagnostics) const override {
    CsvOptions options;
    if (!CsvOptions::Describe().Read(request.options, diagnostics, options)) return nullptr;
    return std::make_shared<CsvEncoding>(schema, std::move(options));
  }
};

}  // namespace

Result<std::unique_ptr<Decoder>> MakeCsvDecoder(const std::vector<ColumnDeclaration>& declared,
                                                const CsvOptions& options,
                                                const std::vector<int>& wanted) {
  std::vector<Field> fields;
  std::vector<TimeReader> times;
  for (int index : wanted) {
    const ColumnDeclaration& column = declared[static_cast<size_t>(index)];
    fields.push_back({column.name, column.type});
    times.push_back(WEIR_TRY(TimeReader::Make(column)));
  }
  return std::unique_ptr<Decoder>(std::make_unique<CsvDecoder>(
      declared, wanted, std::make_shared<const Schema>(std::move(fields)), std::move(times),
      options));
}

std::unique_ptr<Encoder> MakeCsvEncoder(const Schema& schema, const CsvOptions& options) {
  return std::make_unique<CsvEncoder>(schema, options);
}

const Format& CsvFormat() {
  static const CsvFormatImpl format;
  return format;
}

}  // namespace weir
