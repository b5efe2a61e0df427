#include "formats/avro_encoder.h"

#include <deque>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "batch/utf8.h"
#include "formats/avro_binary.h"
#include "formats/avro_json.h"
#include "formats/avro_number.h"
#include "formats/avro_uuid.h"
#include "formats/avro_write_plan.h"
#include "formats/errors.h"
#include "formats/values.h"

namespace weir {
namespace {

using What = AvroWriteNode::What;

class AvroEncoder final : public Encoder {
 public:
  explicit AvroEncoder(AvroSchemaPtr writer) : writer_(std::move(writer)) {}

  Status Plan(const Schema& schema) {
    root_ = WEIR_TRY(PlanAvroRecord(schema, writer_->root(), nodes_));
    return Status::Ok();
  }

  Status Encode(const Batch& batch, size_t row, std::string& out) override {
    const size_t begin = out.size();
    if (Record(*root_, batch.columns(), row, out)) return Status::Ok();
    out.resize(begin);
    return Status(errors::kAvroValue,
                  fmt::format("the row does not fit the Avro schema: {}", fault_),
                  "filter or correct such rows before the sink, or widen the schema");
  }
  /// A record says itself where it ends.
  std::string_view Separator() const override { return ""; }

 private:
  bool Record(const AvroWriteNode& node, const std::vector<ColumnPtr>& columns, size_t row,
              std::string& out) {
    for (const AvroWriteNode* part : node.parts) {
      if (part->what == What::kDefault) {
        out += part->bytes;
      } else if (!Value(*part, *columns[part->column], row, out)) {
        return Within(part->name);
      }
    }
    return true;
  }

  bool Value(const AvroWriteNode& node, const Column& column, size_t row, std::string& out) {
    if (node.what == What::kJson) return Json(node, column, row, out);
    if (column.IsNull(row)) {
      if (!node.may_be_null) {
        fault_ = fmt::format(": null in {}", Describe(*node.type));
        return false;
      }
      AppendAvroLong(out, node.null_branch);
      return true;
    }
    if (node.branch >= 0) AppendAvroLong(out, node.branch);
    switch (node.what) {
      case What::kArray:
      case What::kMap:
        return Items(node, column, row, out);
      case What::kRecord:
        return Record(node, column.children(), row, out);
      case What::kString:
      case What::kBytes:
      case What::kFixed:
      case What::kEnum:
      case What::kUuid:
      case What::kUuidFixed:
        return Text(node, column.text(row), out);
      default:
        return Number(node, column, row, out);
    }
  }

  bool Items(const AvroWriteNode& node, const Column& column, size_t row, std::string& out) {
    const uint32_t begin = column.offsets()[row];
    const uint32_t end = column.offsets()[row + 1];
    const bool is_map = node.what == What::kMap;
    if (begin != end) AppendAvroLong(out, end - begin);
    for (uint32_t k = begin; k < end; k++) {
      if (is_map) AppendAvroText(out, column.child(0)->text(k));
      if (!Value(*node.parts[0], *column.child(is_map ? 1 : 0), k, out)) {
        return Within(fmt::format("[{}]", k - begin));
      }
    }
    out.push_back(0);
    return true;
  }

  bool Text(const AvroWriteNode& node, std::string_view text, std::string& out) {
    scratch_.clear();
    switch (node.what) {
      case What::kString:
        if (!IsUtf8(text)) return Refuse(node, text, "is not UTF-8");
        AppendAvroText(out, text);
        return true;
      case What::kBytes:
        AppendAvroText(out, text);
        return true;
      case What::kFixed:
        out += text;
        return text.size() == node.type->size ||
               Refuse(node, text,
                      fmt::format("has {} bytes, not {}", text.size(), node.type->size));
      case What::kEnum:
        for (size_t i = 0; i < node.type->symbols.size(); i++) {
          if (node.type->symbols[i] != text) continue;
          AppendAvroLong(out, static_cast<int64_t>(i));
          return true;
        }
        return Refuse(node, text, "is none of its symbols");
      case What::kUuid:
        if (!ReadUuid(text, scratch_)) return Refuse(node, text, "is no uuid");
        AppendAvroText(out, text);
        return true;
      default:
        if (!ReadUuid(text, scratch_)) return Refuse(node, text, "is no uuid");
        out += scratch_;
        return true;
    }
  }

  bool Number(const AvroWriteNode& node, const Column& column, size_t row, std::string& out) {
    switch (node.what) {
      case What::kBool:
        out.push_back(static_cast<char>(column.values<uint8_t>()[row]));
        return true;
      case What::kInt32:
        AppendAvroLong(out, column.values<int32_t>()[row]);
        return true;
      case What::kInt64AsInt: {
        const int64_t value = column.values<int64_t>()[row];
        if (value != static_cast<int32_t>(value)) {
          return Refuse(node, std::to_string(value), "has more than 32 bits");
        }
        AppendAvroLong(out, value);
        return true;
      }
      case What::kFloat:
        AppendAvroFloating(out, column.values<float>()[row]);
        return true;
      case What::kFloatAsDouble:
        AppendAvroFloating(out, static_cast<double>(column.values<float>()[row]));
        return true;
      case What::kInt32AsDouble:
        AppendAvroFloating(out, static_cast<double>(column.values<int32_t>()[row]));
        return true;
      case What::kDouble:
        AppendAvroFloating(out, column.values<double>()[row]);
        return true;
      case What::kDecimal:
        return Decimal(node, column.values<Int128>()[row], out);
      case What::kTimestamp:
        AppendAvroLong(out, FloorDivide(column.values<int64_t>()[row], node.unit_us));
        return true;
      default:
        AppendAvroLong(out, column.values<int64_t>()[row]);
        return true;
    }
  }

  bool Decimal(const AvroWriteNode& node, Int128 value, std::string& out) {
    Int128 scaled = 0;
    scratch_.clear();
    if (__builtin_mul_overflow(value, node.factor, &scaled) || scaled >= node.bound ||
        scaled <= -node.bound || !AppendAvroDecimal(scratch_, scaled, node.type->size)) {
      return Refuse(node, "the number", "has more digits");
    }
    if (node.type->Is(AvroKind::kBytes)) {
      AppendAvroText(out, scratch_);
    } else {
      out += scratch_;
    }
    return true;
  }

  bool Json(const AvroWriteNode& node, const Column& column, size_t row, std::string& out) {
    using Tree = nlohmann::json;
    const Tree value = column.IsNull(row)
                           ? Tree()
                           : Tree::parse(column.text(row), nullptr, /*allow_exceptions=*/false);
    if (value.is_discarded()) return Refuse(node, column.text(row), "is not JSON");
    if (json_.Append(value, *node.type, out)) return true;
    fault_ = json_.fault();
    return false;
  }

  bool Refuse(const AvroWriteNode& node, std::string_view value, std::string_view why) {
    fault_ = fmt::format(": '{}' {}, in {}", ForMessage(value), why, Describe(*node.type));
    return false;
  }
  bool Within(const std::string& part) {
    const bool joined = fault_[0] == ':' || fault_[0] == '[' || fault_[0] == '.';
    fault_.insert(0, joined ? part : part + ".");
    return false;
  }

  const AvroSchemaPtr writer_;
  std::deque<AvroWriteNode> nodes_;
  const AvroWriteNode* root_ = nullptr;
  AvroJsonWriter json_{AvroJsonStyle::kValue};
  std::string scratch_;
  std::string fault_;  // `field: why`, of the last row that did not fit.
};

}  // namespace

Result<std::unique_ptr<Encoder>> MakeAvroEncoder(const Schema& schema, AvroSchemaPtr writer) {
  if (!writer->root().Is(AvroKind::kRecord)) {
    return Status(errors::kAvroTypes,
                  fmt::format("the Avro schema is {}, not a record", Describe(writer->root())),
                  "its fields take the columns");
  }
  auto encoder = std::make_unique<AvroEncoder>(std::move(writer));
  WEIR_TRY(encoder->Plan(schema));
  return std::unique_ptr<Encoder>(std::move(encoder));
}

}  // namespace weir
