#include "formats/avro_record_decoder.h"

#include <fmt/format.h>

#include "formats/errors.h"
#include "formats/inflate.h"

namespace weir {
namespace {

/// Ids that the registry does not know, of records that anybody may have written, are forgotten
/// when there are so many.
constexpr size_t kMostWriters = 4096;

}  // namespace

const AvroRecordDecoder::Writer* AvroRecordDecoder::Known(const SchemaId& id) {
  if (newest_writer_ != nullptr && newest_ == id) return newest_writer_;
  const auto at = writers_.find(id);
  if (at == writers_.end()) return nullptr;
  newest_ = id;
  newest_writer_ = &at->second;
  return newest_writer_;
}

Result<AvroRecordDecoder::Writer> AvroRecordDecoder::Compile(const SchemaId& id,
                                                             const SchemaById& schema) const {
  if (!schema.there)
    return Writer{nullptr, fmt::format("the registry has no schema {}", id.ToString())};
  if (schema.kind != SchemaKind::kAvro) {
    return Writer{nullptr, fmt::format("schema {} is of kind {}, not AVRO", id.ToString(),
                                       NameOf(schema.kind))};
  }
  const auto unreadable = [&](const Status& why) {
    return Status(
        errors::kUnreadableSchema,
        fmt::format("records of '{}' that are written with schema {} cannot be read: {}", subject_,
                    id.ToString(), why.message()),
        "see what the new schema leaves out or changes; 'schema' of the job's format, or columns "
        "that do without it, let it go on from its last checkpoint");
  };
  const Result<AvroSchemaPtr> parsed = AvroSchema::Parse(schema.text, schema.referred);
  if (!parsed.ok()) return unreadable(parsed.status());
  auto program = AvroProgram::Make(*parsed, columns_);
  if (!program.ok()) return unreadable(program.status());
  return Writer{*std::move(program), {}};
}

Result<size_t> AvroRecordDecoder::Ready(std::span<const std::string_view> records) {
  if (writers_.size() >= kMostWriters) {
    writers_.clear();
    newest_writer_ = nullptr;
  }
  for (size_t i = 0; i < records.size(); i++) {
    if (records[i].data() == nullptr) continue;
    const FrameSplit split = registry_->SplitFrame(records[i]);
    if (!split.frame || Known(split.frame->id) != nullptr) continue;
    const SchemaId& id = split.frame->id;
    const std::optional<SchemaById> schema = source_->Find(id);
    if (!schema) return i;
    writers_.emplace(id, WEIR_TRY(Compile(id, *schema)));
  }
  return records.size();
}

Status AvroRecordDecoder::Decode(std::span<const std::string_view> records, BatchBuilder& out,
                                 std::vector<Rejection>& rejected) {
  size_t first = 0;
  const AvroProgram* program = nullptr;
  const auto flush = [&](size_t next) {
    if (!payloads_.empty()) decoder_.Decode(*program, payloads_, out, rejected, first);
    payloads_.clear();
    first = next;
  };
  const auto reject = [&](size_t record, const ErrorCode& code, std::string reason) {
    flush(record + 1);
    rejected.push_back({static_cast<uint32_t>(record), &code, std::move(reason)});
  };
  for (size_t i = 0; i < records.size(); i++) {
    if (records[i].data() == nullptr) {
      reject(i, errors::kNoRecord, "the record has no value (a tombstone)");
      continue;
    }
    FrameSplit split = registry_->SplitFrame(records[i]);
    if (!split.frame) {
      reject(i, errors::kNoFrame, std::move(split.fault));
      continue;
    }
    const Writer* writer = Known(split.frame->id);
    WEIR_CHECK(writer != nullptr, split.frame->id.ToString());
    if (!writer->program) {
      reject(i, errors::kUnknownSchema, writer->fault);
      continue;
    }
    if (program != writer->program.get() || split.frame->zlib) flush(i);
    program = writer->program.get();
    if (!split.frame->zlib) {
      payloads_.push_back(split.frame->payload);
      continue;
    }
    if (!InflateZlib(split.frame->payload, kMostUnpacked, unpacked_)) {
      reject(
          i, errors::kMalformedRecord,
          fmt::format("its compressed data is damaged, or more than {} MiB", kMostUnpacked >> 20));
      continue;
    }
    payloads_.push_back(unpacked_);
    flush(i + 1);
  }
  flush(records.size());
  return Status::Ok();
}

}  // namespace weir
