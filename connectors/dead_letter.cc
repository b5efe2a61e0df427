#include "connectors/dead_letter.h"

#include "formats/json.h"

namespace weir {
namespace {

enum Place : size_t {
  kNode,
  kCode,
  kReason,
  kAt,
  kTopic,
  kPartition,
  kOffset,
  kTimestamp,
  kKey,
  kHeaders,
  kValue,
  kRow,
};

void AppendHead(BatchBuilder& letters, std::string_view node, const ErrorCode& code,
                std::string_view reason, EventTime at) {
  letters.column(kNode).AppendText(node);
  letters.column(kCode).AppendText(code.id);
  letters.column(kReason).AppendText(reason);
  letters.column(kAt).Append(at.us);
}

template <typename T>
void AppendNumber(ColumnBuilder& column, const std::optional<T>& value) {
  if (value) {
    column.Append(*value);
  } else {
    column.AppendNull();
  }
}

void AppendBytes(ColumnBuilder& column, const std::optional<std::string>& value) {
  if (value) {
    column.AppendText(*value);
  } else {
    column.AppendNull();
  }
}

}  // namespace

const SchemaPtr& DeadLetterSchema() {
  static const SchemaPtr schema = std::make_shared<const Schema>(std::vector<Field>{
      {"node", TypeKind::kString},
      {"code", TypeKind::kString},
      {"reason", TypeKind::kString},
      {"at", TypeKind::kTimestamp},
      {"topic", TypeKind::kString},
      {"partition", TypeKind::kInt32},
      {"offset", TypeKind::kInt64},
      {"timestamp", TypeKind::kTimestamp},
      {"key", TypeKind::kBytes},
      {"headers",
       Type::List(Type::Struct({{"key", TypeKind::kString}, {"value", TypeKind::kBytes}}))},
      {"value", TypeKind::kBytes},
      {"row", TypeKind::kJson},
  });
  return schema;
}

BatchPtr DeadLettersOfRecords(std::string_view node, std::span<const RejectedRecord> records,
                              EventTime at) {
  BatchBuilder letters(DeadLetterSchema());
  for (const RejectedRecord& record : records) {
    AppendHead(letters, node, *record.code, record.reason, at);
    letters.column(kTopic).AppendText(record.topic);
    AppendNumber(letters.column(kPartition), record.partition);
    AppendNumber(letters.column(kOffset), record.offset);
    AppendNumber(letters.column(kTimestamp),
                 record.timestamp ? std::optional<int64_t>(record.timestamp->us) : std::nullopt);
    AppendBytes(letters.column(kKey), record.key);
    ColumnBuilder& headers = letters.column(kHeaders);
    for (const auto& [name, value] : record.headers) {
      headers.child(0).child(0).AppendText(name);
      AppendBytes(headers.child(0).child(1), value);
      headers.child(0).AppendNested();
    }
    headers.AppendNested();
    AppendBytes(letters.column(kValue), record.value);
    letters.column(kRow).AppendNull();
  }
  return letters.Finish();
}

BatchPtr DeadLettersOfRows(std::string_view node, const Batch& batch,
                           std::span<const Rejection> rejections, EventTime at) {
  BatchBuilder letters(DeadLetterSchema());
  const std::unique_ptr<Encoder> encoder = MakeJsonEncoder(*batch.schema(), JsonOptions{});
  std::string row;
  for (const Rejection& rejection : rejections) {
    AppendHead(letters, node, *rejection.code, rejection.reason, at);
    for (size_t c = kTopic; c <= kValue; c++) letters.column(c).AppendNull();
    row.clear();
    // Any row can be written as JSON.
    WEIR_CHECK(encoder->Encode(batch, rejection.record, row).ok());
    letters.column(kRow).AppendText(row);
  }
  return letters.Finish();
}

}  // namespace weir
