#include "state/checkpoint_store.h"

namespace weir {
namespace {

constexpr uint64_t kMostSchemaBytes = 16 << 20;

std::string SchemaName(const std::string& name) { return "schemas/" + name; }

}  // namespace

Status CheckpointStore::KeepSchema(const std::string& name, std::string_view text) {
  WEIR_TRY(blobs_->Create(SchemaName(name), text));
  return Status::Ok();
}

Result<std::optional<std::string>> CheckpointStore::ReadSchema(const std::string& name) const {
  return blobs_->Read(SchemaName(name), kMostSchemaBytes);
}

}  // namespace weir
