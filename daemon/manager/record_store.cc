#include "daemon/manager/record_store.h"

#include <set>

#include <fmt/format.h>

#include "daemon/manager/errors.h"
#include "daemon/manager/record_form.h"

namespace weir::manager {
namespace {

constexpr std::string_view kText = "text/";
constexpr std::string_view kWorker = "worker/";

Status Damaged(const std::string& what) {
  return Status(errors::kJobStoreDamaged, "the job store holds " + what, "restore a backup");
}

std::string TextKey(const std::string& job, uint64_t version) {
  return fmt::format("{}{}/{}", kText, job, version);
}

size_t BytesOf(const KeyValueStore::Change& change) {
  return change.key.size() + (change.value ? change.value->size() : 0);
}

}  // namespace

void RecordStore::BeginTerm(uint64_t term) {
  std::lock_guard lock(mutex_);
  term_ = term;
}

void RecordStore::FinishWriting() {
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
  std::lock_guard lock(mutex_);
  ending_ = false;
}

Result<StoredRecords> RecordStore::Load() {
  std::map<std::string, Texts> texts;
  for (auto& [key, value] : WEIR_TRY(Scan(kText))) {
    const size_t slash = key.rfind('/');
    const uint64_t version = WEIR_TRY(DecodeNumber(std::string_view(key).substr(slash + 1)));
    texts[key.substr(kText.size(), slash - kText.size())][version] =
        std::make_shared<const std::string>(std::move(value));
  }
  StoredRecords records;
  for (const auto& [key, value] : WEIR_TRY(Scan(kJobKey))) {
    JobRecord record = WEIR_TRY(DecodeJob(value));
    const Texts& known = texts[record.name];
    const auto find = [&](JobText& text) {
      const auto it = known.find(text.version);
      if (it != known.end()) text.yaml = it->second;
      return it != known.end();
    };
    const bool upgrade = record.next && record.next->purpose == NextStep::Purpose::kUpgrade;
    if (key != std::string(kJobKey) + record.name || !find(record.text) ||
        (upgrade && !find(record.next->text))) {
      return Damaged("job " + record.name + " without its text");
    }
    records.jobs.push_back(std::move(record));
  }
  for (const auto& [key, value] : WEIR_TRY(Scan(kWorker))) {
    records.workers.push_back(WEIR_TRY(DecodeWorker(value)));
  }
  for (const auto& [key, value] : WEIR_TRY(Scan(kRetiredKey))) {
    records.retired.push_back(WEIR_TRY(DecodeRetired(value)));
  }
  std::lock_guard lock(mutex_);
  WEIR_CHECK(!writer_.joinable(), "Load is for before the first Put of a term");
  texts_ = std::move(texts);
  return records;
}

void RecordStore::Put(uint64_t term, std::vector<JobRecord> jobs, std::vector<WorkerRecord> workers,
                      Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!writer_.joinable()) writer_ = std::thread([this] { WriteQueued(); });
    queue_.push_back({term, std::move(jobs), std::move(workers), std::move(done)});
  }
  wake_.notify_one();
}

void RecordStore::AddRemoval(const JobRecord& job, std::vector<Change>& changes) {
  changes.push_back({std::string(kJobKey) + job.name, std::nullopt});
  changes.push_back({std::string(kRetiredKey) + job.name, EncodeRetired(RetiredJob::Of(job))});
  // The record's own too: after a write that failed it is not known what is there.
  std::set<uint64_t> versions = {job.text.version};
  for (const auto& [version, yaml] : texts_[job.name]) versions.insert(version);
  for (const uint64_t version : versions) {
    changes.push_back({TextKey(job.name, version), std::nullopt});
  }
  texts_.erase(job.name);
}

void RecordStore::AddChanges(const JobRecord& job, std::vector<Change>& changes) {
  if (job.removed) return AddRemoval(job, changes);
  changes.push_back({std::string(kJobKey) + job.name, EncodeJob(job)});
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

void RecordStore::WriteQueued() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::deque<Queued> queue = std::exchange(queue_, {});
    const uint64_t term = term_;
    lock.unlock();
    while (!queue.empty()) WriteSome(queue, term);
    lock.lock();
  }
}

/// Writes as many of the first ones as go together, and takes them off the queue.
void RecordStore::WriteSome(std::deque<Queued>& queue, uint64_t term) {
  std::vector<Queued> batch;
  std::vector<Change> changes;
  size_t bytes = 0;
  while (!queue.empty() && changes.size() < bounds_.changes && bytes < bounds_.bytes) {
    batch.push_back(std::move(queue.front()));
    queue.pop_front();
    const Queued& put = batch.back();
    if (put.term != term) continue;
    const size_t before = changes.size();
    for (const JobRecord& job : put.jobs) AddChanges(job, changes);
    for (const WorkerRecord& worker : put.workers) {
      Change change{std::string(kWorker) + worker.id, std::nullopt};
      if (worker.draining) change.value = EncodeWorker(worker);
      changes.push_back(std::move(change));
    }
    for (size_t i = before; i < changes.size(); i++) bytes += BytesOf(changes[i]);
  }
  const Status status = changes.empty() ? Status::Ok() : Write(changes);
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
}

}  // namespace weir::manager
