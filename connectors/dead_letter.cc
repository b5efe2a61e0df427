#include "connectors/dead_letter.h"

#include "batch/render.h"

namespace weir {
namespace {

enum LetterColumn : size_t {
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

void AppendOptional(ColumnBuilder& column, const std::optional<std::string>& text) {
  if (text) {
    column.AppendText(*text);
  } else {
    column.AppendNull();
  }
}

void AppendHead(BatchBuilder& letters, const std::string& node, const ErrorCode& code,
                const std::string& reason, EventTime at) {
  letters.column(kNode).AppendText(node);
  letters.column(kCode).AppendText(code.id);
  letters.column(kReason).AppendText(reason);
  letters.column(kAt).Append(at.us);
}

std::string RowAsJson(const Batch& batch, size_t row) {
  std::string json = "{";
  for (size_t i = 0; i < batch.schema()->size(); i++) {
    const std::string& name = (*batch.schema())[i].name;
    if (name.starts_with('$')) continue;
    if (json.size() > 1) json += ',';
    AppendJsonString(json, name);
    json += ':';
    AppendJsonValue(json, batch.column(i), row, TimestampStyle::kEpochMillis);
  }
  return json + "}";
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
      {"headers", Type::List(Type::Struct({{"key", TypeKind::kString},
                                           {"value", TypeKind::kBytes}}))},
      {"value", TypeKind::kBytes},
      {"row", TypeKind::kJson},
  });
  return schema;
}

BatchPtr DeadLettersOfRecords(const std::string& node, const std::vector<RejectedRecord>& records,
                              EventTime at) {
  BatchBuilder letters(DeadLetterSchema());
  for (const RejectedRecord& record : records) {
    AppendHead(letters, node, *record.code, record.reason, at);
    letters.column(kTopic).AppendText(record.topic);
    if (record.partition) {
      letters.column(kPartition).Append(*record.partition);
    } else {
      letters.column(kPartition).AppendNull();
    }
    if (record.offset) {
      letters.column(kOffset).Append(*record.offset);
    } else {
      letters.column(kOffset).AppendNull();
    }
    if (record.timestamp) {
      letters.column(kTimestamp).Append(record.timestamp->us);
    } else {
      letters.column(kTimestamp).AppendNull();
    }
    AppendOptional(letters.column(kKey), record.key);
    ColumnBuilder& headers = letters.column(kHeaders);
    for (const auto& [name, value] : record.headers) {
      headers.child(0).child(0).AppendText(name);
      AppendOptional(headers.child(0).child(1), value);
      headers.child(0).AppendNested();
    }
    headers.AppendNested();
    AppendOptional(letters.column(kValue), record.value);
    letters.column(kRow).AppendNull();
  }
  return letters.Finish();
}

BatchPtr DeadLettersOfRows(const std::string& node, const Batch& batch,
                           const std::vector<Rejection>& rejections, EventTime at) {
  BatchBuilder letters(DeadLetterSchema());
  for (const Rejection& rejection : rejections) {
    AppendHead(letters, node, *rejection.code, rejection.reason, at);
    for (size_t column = kTopic; column <= kValue; column++) letters.column(column).AppendNull();
    letters.column(kRow).AppendText(RowAsJson(batch, rejection.record));
  }
  return letters.Finish();
}

}  // namespace weir
