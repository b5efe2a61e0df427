#include "daemon/manager/embedded_store.h"

#include <charconv>

#include <fmt/format.h>

#include "daemon/manager/errors.h"
#include "daemon/manager/record_form.h"

namespace weir::manager {
namespace {

constexpr char kTerm[] = "term";
constexpr std::string_view kJob = "job/";
constexpr std::string_view kText = "text/";
constexpr std::string_view kWorker = "worker/";

Status Damaged(const std::string& what) {
  return Status(errors::kJobStoreDamaged, "the job store holds " + what, "restore a backup");
}

Result<uint64_t> ReadNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Damaged(fmt::format("'{}' where a number should be", text));
  }
  return number;
}

std::string TextKey(const std::string& job, uint64_t version) {
  return fmt::format("{}{}/{}", kText, job, version);
}

}  // namespace

Result<std::unique_ptr<EmbeddedStore>> EmbeddedStore::Open(const std::string& directory) {
  auto store = WEIR_TRY(KeyValueStore::Open(directory));
  return std::unique_ptr<EmbeddedStore>(new EmbeddedStore(std::move(store)));
}

EmbeddedStore::EmbeddedStore(std::unique_ptr<KeyValueStore> store) : store_(std::move(store)) {}

EmbeddedStore::~EmbeddedStore() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
}

Result<Leadership> EmbeddedStore::Lead(LeadershipListener&) {
  const std::optional<std::string> stored = WEIR_TRY(store_->Get(kTerm));
  const uint64_t term = (stored ? WEIR_TRY(ReadNumber(*stored)) : 0) + 1;
  const std::vector<KeyValueStore::Change> change = {{kTerm, std::to_string(term)}};
  WEIR_TRY(store_->Write(change));
  std::lock_guard lock(mutex_);
  term_ = term;
  return Leadership{term, Duration::Max()};
}

Result<StoredRecords> EmbeddedStore::Load() {
  std::map<std::string, Texts> texts;
  for (auto& [key, value] : WEIR_TRY(store_->Scan(kText))) {
    const size_t slash = key.rfind('/');
    const uint64_t version = WEIR_TRY(ReadNumber(std::string_view(key).substr(slash + 1)));
    texts[key.substr(kText.size(), slash - kText.size())][version] =
        std::make_shared<const std::string>(std::move(value));
  }
  StoredRecords records;
  for (const auto& [key, value] : WEIR_TRY(store_->Scan(kJob))) {
    JobRecord record = WEIR_TRY(DecodeJob(value));
    const Texts& known = texts[record.name];
    const auto find = [&](JobText& text) {
      const auto it = known.find(text.version);
      if (it != known.end()) text.yaml = it->second;
      return it != known.end();
    };
    const bool upgrade = record.next && record.next->purpose == NextStep::Purpose::kUpgrade;
    if (key != std::string(kJob) + record.name || !find(record.text) ||
        (upgrade && !find(record.next->text))) {
      return Damaged("job " + record.name + " without its text");
    }
    records.jobs.push_back(std::move(record));
  }
  for (const auto& [key, value] : WEIR_TRY(store_->Scan(kWorker))) {
    records.workers.push_back(WEIR_TRY(DecodeWorker(value)));
  }
  std::lock_guard lock(mutex_);
  WEIR_CHECK(!writer_.joinable(), "Load is for before the first Put");
  texts_ = std::move(texts);
  return records;
}

void EmbeddedStore::Put(uint64_t term, std::vector<JobRecord> jobs,
                        std::vector<WorkerRecord> workers, Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!writer_.joinable()) writer_ = std::thread([this] { WriteQueued(); });
    queue_.push_back({term, std::move(jobs), std::move(workers), std::move(done)});
  }
  wake_.notify_one();
}

void EmbeddedStore::AddChanges(const JobRecord& job, std::vector<KeyValueStore::Change>& changes) {
  changes.push_back({std::string(kJob) + job.name, EncodeJob(job)});
  Texts wanted;
  wanted[job.text.version] = job.text.yaml;
  if (job.next && job.next->text.yaml) wanted[job.next->text.version] = job.next->text.yaml;
  // A version may have been given to another text that was never used: the bytes count.
  Texts& known = texts_[job.name];
  for (const auto& [version, yaml] : wanted) {
    const auto it = known.find(version);
    if (it != known.end() && (it->second == yaml || *it->second == *yaml)) continue;
    changes.push_back({TextKey(job.name, version), *yaml});
  }
  for (const auto& [version, yaml] : known) {
    if (!wanted.contains(version)) changes.push_back({TextKey(job.name, version), std::nullopt});
  }
  known = std::move(wanted);
}

void EmbeddedStore::WriteQueued() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::deque<Queued> batch = std::exchange(queue_, {});
    const uint64_t term = term_;
    lock.unlock();
    std::vector<KeyValueStore::Change> changes;
    for (const Queued& put : batch) {
      if (put.term != term) continue;
      for (const JobRecord& job : put.jobs) AddChanges(job, changes);
      for (const WorkerRecord& worker : put.workers) {
        KeyValueStore::Change change{std::string(kWorker) + worker.id, std::nullopt};
        if (worker.draining) change.value = EncodeWorker(worker);
        changes.push_back(std::move(change));
      }
    }
    const Status status = changes.empty() ? Status::Ok() : store_->Write(changes);
    if (!status.ok()) {
      // It is not known what is there now: their texts will be written again.
      for (const Queued& put : batch) {
        for (const JobRecord& job : put.jobs) texts_.erase(job.name);
      }
    }
    for (Queued& put : batch) {
      put.done(put.term == term
                   ? status
                   : Status(errors::kOldTerm,
                            fmt::format("a write of term {} in term {}", put.term, term)));
    }
    lock.lock();
  }
}

}  // namespace weir::manager
