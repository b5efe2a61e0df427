#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "connectors/connector.h"

namespace weir::opensearch {

/// Indices of the columns that the planner computed for the sink's expressions; -1: not given.
struct SinkColumns {
  int id = -1;
  int tombstone = -1;
};

/// Whether columns of these types can be what they are for.
Status CheckSinkColumns(const Schema& schema, const SinkColumns& columns);

/// Encodes rows into the outbox of the open epoch. A row without an id of its own gets one here, so
/// that it is the same document however often the epoch is published.
class Writer final : public SinkWriter {
 public:
  Writer(const ConnectorContext& context, std::unique_ptr<Encoder> encoder, SinkColumns columns);

  Status Write(const Batch& batch, std::vector<Rejection>& rejected) override;
  Result<SealedPart> Seal(Epoch epoch, bool last) override;
  size_t PendingBytes() const override { return spool_->size(); }

 private:
  std::optional<Rejection> EncodeRow(const Batch& batch, uint32_t row);
  std::optional<Rejection> IdOf(const Batch& batch, uint32_t row);
  bool IsTombstone(const Batch& batch, uint32_t row) const;

  const std::unique_ptr<Encoder> encoder_;
  const SinkColumns columns_;
  const std::string own_;  ///< Of this writer alone, for ever.
  uint64_t given_ = 0;     ///< Ids that it gave.
  CheckpointStore* const store_;
  std::shared_ptr<Spool> spool_;
  int64_t rows_ = 0;

  std::string id_;        ///< Of the row at hand.
  std::string document_;  ///< Of the row at hand.
  std::string encoded_;
};

}  // namespace weir::opensearch
