#include "connectors/dead_letter.h"

#include "formats/json.h"

namespace weir {
namespace {

enum LetterColumn : size_t {
  kNode,
  kCode,
  kReason,
  kAt,
  kJob,
  kJobVersion,
  kTopic,
  kPartition,
  kOffset,
  kTimestamp,
  kKey,
  kHeaders,
  kValue,
  kRow,
};

void AppendHead(BatchBuilder& letters, const JobLabel& job, std::string_view node,
                const ErrorCode& code, std::string_view reason, EventTime at) {
  letters.column(kNode).AppendText(node);
  letters.column(kCode).AppendText(code.id);
  letters.column(kReason).AppendText(reason);
  letters.column(kAt).Append(at.us);
  letters.column(kJob).AppendText(job.name);
  letters.column(kJobVersion).AppendText(job.version);
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
      {"job", TypeKind::kString},
      {"job_version", TypeKind::kString},
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

BatchPtr DeadLettersOfRecords(const JobLabel& job, std::string_view node,
                              std::span<const RejectedRecord> records, EventTime at) {
  BatchBuilder letters(DeadLetterSchema());
  for (const RejectedRecord& record : records) {
    AppendHead(letters, job, node, *record.code, record.reason, at);
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

BatchPtr DeadLettersOfRows(const JobLabel& job, std::string_view node, const Batch& batch,
                           std::span<const Rejection> rejections, EventTime at) {
  BatchBuilder letters(DeadLetterSchema());
  const std::unique_ptr<Encoder> encoder = MakeJsonEncoder(*batch.schema(), JsonOptions{});
  std::string row;
  for (const Rejection& rejection : rejections) {
    AppendHead(letters, job, node, *rejection.code, rejection.reason, at);
    for (size_t c = kTopic; c <= kValue; c++) letters.column(c).AppendNull();
    row.clear();
    // Any row can be written as JSON.
    WEIR_CHECK(encoder->Encode(batch, rejection.record, row).ok());
    letters.column(kRow).AppendText(row);
  }
  return letters.Finish();
}

DeadLetter ReadDeadLetter(const Batch& letters, size_t row) {
  const auto text = [&](LetterColumn place) {
    const Column& column = letters.column(place);
    return column.IsNull(row) ? std::string() : std::string(column.text(row));
  };
  const auto bytes = [&](const Column& column, size_t at) {
    return column.IsNull(at) ? std::nullopt : std::optional<std::string>(column.text(at));
  };
  const auto time = [&](LetterColumn place) -> std::optional<EventTime> {
    const Column& column = letters.column(place);
    if (column.IsNull(row)) return std::nullopt;
    return EventTime{column.values<int64_t>()[row]};
  };
  DeadLetter letter;
  letter.job = {text(kJob), text(kJobVersion)};
  letter.node = text(kNode);
  letter.code = text(kCode);
  letter.reason = text(kReason);
  letter.at = time(kAt);
  if (letters.column(kTopic).IsNull(row)) return letter;
  RejectedRecord& record = letter.record.emplace();
  record.code = nullptr;
  record.reason = letter.reason;
  record.topic = text(kTopic);
  if (const Column& column = letters.column(kPartition); !column.IsNull(row)) {
    record.partition = column.values<int32_t>()[row];
  }
  if (const Column& column = letters.column(kOffset); !column.IsNull(row)) {
    record.offset = column.values<int64_t>()[row];
  }
  record.timestamp = time(kTimestamp);
  record.key = bytes(letters.column(kKey), row);
  record.value = bytes(letters.column(kValue), row);
  const Column& headers = letters.column(kHeaders);
  if (headers.IsNull(row)) return letter;
  const Column& header = *headers.child(0);
  for (uint32_t i = headers.offsets()[row]; i < headers.offsets()[row + 1]; i++) {
    if (header.IsNull(i) || header.child(0)->IsNull(i)) continue;
    record.headers.emplace_back(std::string(header.child(0)->text(i)), bytes(*header.child(1), i));
  }
  return letter;
}

}  // namespace weir
