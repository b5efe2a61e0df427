#include "daemon/manager/embedded_store.h"

#include "daemon/manager/record_form.h"

namespace weir::manager {
namespace {

constexpr char kTerm[] = "term";
/// More terms, and attempts of a job, than there can have been since a backup: one a second makes
/// them in 11 days.
constexpr uint64_t kAhead = 1'000'000;

Status GoAhead(KeyValueStore::Change& entry) {
  std::string& value = *entry.value;
  if (entry.key == kTerm) {
    value = std::to_string(WEIR_TRY(DecodeNumber(value)) + kAhead);
  } else if (entry.key.starts_with(kJobKey)) {
    JobRecord job = WEIR_TRY(DecodeJob(value));
    job.attempts += kAhead;
    value = EncodeJob(job);
  } else if (entry.key.starts_with(kRetiredKey)) {
    RetiredJob job = WEIR_TRY(DecodeRetired(value));
    job.attempts += kAhead;
    value = EncodeRetired(job);
  }
  return Status::Ok();
}

}  // namespace

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::Open(const std::string& directory) {
  auto store = WEIR_TRY(KeyValueStore::Open(directory));
  return std::unique_ptr<EmbeddedStore>(new EmbeddedStore(std::move(store)));
}

Status EmbeddedStore::Restore(const std::string& path, const std::string& directory) {
  return KeyValueStore::Restore(path, directory, GoAhead);
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
