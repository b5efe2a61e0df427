#include "daemon/manager/embedded_store.h"

#include "daemon/manager/record_form.h"

namespace weir::manager {
namespace {

constexpr char kTerm[] = "term";

}  // namespace

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::Open(const std::string& directory) {
  auto store = WEIR_TRY(KeyValueStore::Open(directory));
  return std::unique_ptr<EmbeddedStore>(new EmbeddedStore(std::move(store)));
}

EmbeddedStore::~EmbeddedStore() { FinishWriting(); }

Result<Leadership> EmbeddedStore::Lead(LeadershipListener&) {
  const std::optional<std::string> stored = WEIR_TRY(store_->Get(kTerm));
  const uint64_t term = (stored ? WEIR_TRY(DecodeNumber(*stored)) : 0) + 1;
  const std::vector<Change> change = {{kTerm, std::to_string(term)}};
  WEIR_TRY(store_->Write(change));
  BeginTerm(term);
  return Leadership{term, Duration::Max()};
}

}  // namespace weir::manager
