#include "connectors/opensearch/writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ids.h"
#include "batch/render.h"
#include "connectors/opensearch/errors.h"
#include "connectors/opensearch/outbox.h"

namespace weir::opensearch {
namespace {

/// Encoded rows go to the spool in pieces of about this size.
constexpr size_t kPiece = 64 << 10;
/// The server refuses a whole request that holds a longer one.
constexpr size_t kLongestId = 512;

/// Text as it is, anything else as JSON without quotes: as a cast to string shows it.
void AppendIdOf(std::string& out, const Column& column, size_t row) {
  if (column.type().Is(TypeKind::kString)) {
    out += column.text(row);
    return;
  }
  const size_t begin = out.size();
  AppendJsonValue(out, column, row);
  if (out.size() < begin + 2 || out[begin] != '"') return;
  out.pop_back();
  out.erase(begin, 1);
}

}  // namespace

Status CheckSinkColumns(const Schema& schema, const SinkColumns& columns) {
  const auto type_of = [&](int column) {
    return column < 0 ? Type(TypeKind::kNull) : schema[static_cast<size_t>(column)].type;
  };
  if (const Type id = type_of(columns.id); id.IsNested() || id.Is(TypeKind::kJson)) {
    return Status(
        errors::kSearchOption,
        fmt::format("'id' of an opensearch sink must be one value, not {}", id.ToString()),
        "cast it, or put it together with concat");
  }
  const Type tombstone = type_of(columns.tombstone);
  if (!tombstone.Is(TypeKind::kNull) && !tombstone.Is(TypeKind::kBool)) {
    return Status(errors::kSearchOption,
                  fmt::format("'tombstone' of an opensearch sink must be a condition, not {}",
                              tombstone.ToString()),
                  "compare it with something");
  }
  if (columns.tombstone >= 0 && columns.id < 0) {
    return Status(errors::kSearchOption,
                  "'tombstone' deletes documents by their id, and no 'id' "
                  "is there",
                  "say which: id: COLUMN");
  }
  return Status::Ok();
}

Writer::Writer(const ConnectorContext& context, std::unique_ptr<Encoder> encoder,
               SinkColumns columns)
    : encoder_(std::move(encoder)),
      columns_(columns),
      own_(RandomId()),
      store_(context.store),
      spool_(std::make_shared<Spool>(store_)) {}

Status Writer::Write(const Batch& batch, std::vector<Rejection>& rejected) {
  encoded_.clear();
  if (spool_->size() == 0) encoded_ += kOutboxMagic;
  for (uint32_t row = 0; row < batch.rows(); row++) {
    if (auto rejection = EncodeRow(batch, row)) {
      rejected.push_back(std::move(*rejection));
      continue;
    }
    rows_++;
    if (encoded_.size() < kPiece) continue;
    WEIR_TRY(spool_->Append(encoded_));
    encoded_.clear();
  }
  return spool_->Append(encoded_);
}

std::optional<Rejection> Writer::EncodeRow(const Batch& batch, uint32_t row) {
  if (auto rejection = IdOf(batch, row)) return rejection;
  Change change{id_, std::nullopt};
  if (!IsTombstone(batch, row)) {
    document_.clear();
    if (const Status status = encoder_->Encode(batch, row, document_); !status.ok()) {
      return Rejection{row, &status.code(), status.message()};
    }
    // A request has a document in each line. Inside of texts a line's end is escaped, so that it
    // can only stand between the words of a value of type json.
    std::replace(document_.begin(), document_.end(), '\n', ' ');
    std::replace(document_.begin(), document_.end(), '\r', ' ');
    change.document = document_;
  }
  AppendChange(encoded_, change);
  return std::nullopt;
}

std::optional<Rejection> Writer::IdOf(const Batch& batch, uint32_t row) {
  id_.clear();
  if (columns_.id < 0) {
    fmt::format_to(std::back_inserter(id_), "{}-{}", own_, given_++);
    return std::nullopt;
  }
  const Column& column = batch.column(static_cast<size_t>(columns_.id));
  if (!column.IsNull(row)) AppendIdOf(id_, column, row);
  if (id_.empty())
    return Rejection{row, &errors::kDocumentId, "the document's id is null or empty"};
  if (id_.size() <= kLongestId) return std::nullopt;
  return Rejection{
      row, &errors::kDocumentId,
      fmt::format("the document's id has {} bytes, {} at most are taken", id_.size(), kLongestId)};
}

bool Writer::IsTombstone(const Batch& batch, uint32_t row) const {
  if (columns_.tombstone < 0) return false;
  const Column& column = batch.column(static_cast<size_t>(columns_.tombstone));
  if (column.type().Is(TypeKind::kNull)) return false;
  return !column.IsNull(row) && column.values<uint8_t>()[row] != 0;
}

Result<SealedPart> Writer::Seal(Epoch, bool) {
  SealedPart part;
  if (rows_ == 0) return part;  // At most the magic was written, and stands for the next epoch.
  if (spool_->in_memory()) {
    part.bytes = spool_->TakeBytes();
  } else {
    part.spool = std::exchange(spool_, std::make_shared<Spool>(store_));
  }
  part.rows = std::exchange(rows_, 0);
  return part;
}

}  // namespace weir::opensearch
