#include "engine/stored_outbox.h"

#include "base/ids.h"
#include "state/spool.h"

namespace weir {
namespace {

/// Parts up to this size lie in the manifest itself; larger ones in a file of their own.
constexpr size_t kInlineBytes = 32 << 10;

}  // namespace

Result<proto::OutboxPart> StoreOutbox(CheckpointStore& store, const SealedPart& part) {
  proto::OutboxPart stored;
  stored.set_rows(part.rows);
  if (part.spool) {
    *stored.mutable_file() = WEIR_TRY(part.spool->Finish());
  } else if (part.bytes.size() <= kInlineBytes) {
    stored.set_inline_bytes(part.bytes);
  } else {
    *stored.mutable_file() = WEIR_TRY(store.PutBytes("outbox-" + RandomId(), part.bytes, "outbox"));
  }
  return stored;
}

Result<SealedPart> OpenOutbox(const CheckpointStore& store, const proto::OutboxPart& stored) {
  SealedPart part;
  part.rows = stored.rows();
  if (stored.has_file()) {
    part.spool = WEIR_TRY(Spool::Open(store, stored.file()));
  } else {
    part.bytes = stored.inline_bytes();
  }
  return part;
}

}  // namespace weir
