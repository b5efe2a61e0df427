#include "state/job_store.h"

#include <charconv>

#include "base/failpoint.h"
#include "base/ids.h"
#include "state/errors.h"
#include "state/files.h"

namespace weir {
namespace {

using errors::kJobFactsDamaged;
using errors::kStoreUnavailable;

constexpr std::string_view kMagic = "WEIRJS01";
constexpr uint64_t kMostBytes = 16 << 20;

std::string Encode(const JobFacts& facts) {
  std::string body;
  body += "job " + facts.job + "\n";
  body += "instance " + facts.instance + "\n";
  body += "attempt " + std::to_string(facts.attempt) + "\n";
  for (const auto& [sink, lane] : facts.highest_lane) {
    body += "lane " + std::to_string(lane) + " " + sink + "\n";
  }
  std::string bytes(kMagic);
  for (int i = 0; i < 8; i++) bytes += static_cast<char>(body.size() >> (8 * i));
  bytes += body;
  bytes += files::Sha256(bytes);
  return bytes;
}

template <typename Number>
bool ReadNumber(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool Decode(std::string_view bytes, JobFacts& facts) {
  if (bytes.size() < kMagic.size() + 8 + 32 || !bytes.starts_with(kMagic)) return false;
  const std::string_view covered = bytes.substr(0, bytes.size() - 32);
  if (files::Sha256(covered) != bytes.substr(covered.size())) return false;
  std::string_view body = covered.substr(kMagic.size() + 8);
  while (!body.empty()) {
    const size_t end = body.find('\n');
    if (end == std::string_view::npos) return false;
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return false;
    const std::string_view name = line.substr(0, space);
    const std::string_view value = line.substr(space + 1);
    if (name == "job") {
      facts.job = value;
    } else if (name == "instance") {
      facts.instance = value;
    } else if (name == "attempt") {
      if (!ReadNumber(value, facts.attempt)) return false;
    } else if (name == "lane") {
      const size_t gap = value.find(' ');
      uint32_t lane = 0;
      if (gap == std::string_view::npos || !ReadNumber(value.substr(0, gap), lane)) return false;
      facts.highest_lane[std::string(value.substr(gap + 1))] = lane;
    }
  }
  return !facts.job.empty() && !facts.instance.empty();
}

}  // namespace

Result<std::unique_ptr<JobStore>> JobStore::Open(const std::string& directory,
                                                 const std::string& job) {
  std::unique_ptr<DirectoryLock> lock =
      WEIR_TRY(DirectoryLock::Take(directory, "stop it, or give this job another --state-dir"));
  std::unique_ptr<JobStore> store(new JobStore(directory, std::move(lock)));
  bool missing = false;
  const std::string path = directory + "/job";
  const std::string bytes = WEIR_TRY(files::Read(kStoreUnavailable, path, kMostBytes, &missing));
  if (missing) {
    JobFacts facts;
    facts.job = job;
    facts.instance = RandomId();
    WEIR_TRY(store->Save(facts));
    return store;
  }
  if (!Decode(bytes, store->facts_)) {
    return Status(kJobFactsDamaged, path + " is damaged",
                  "restore it from a copy, or begin anew in an empty --state-dir with --take-over");
  }
  if (store->facts_.job != job) {
    return Status(kJobFactsDamaged,
                  directory + " belongs to job '" + store->facts_.job + "', not to '" + job + "'",
                  "give each job a --state-dir of its own");
  }
  return store;
}

JobStore::~JobStore() = default;

Status JobStore::Save(const JobFacts& facts) {
  const std::string path = directory_ + "/job";
  if (WEIR_FAILPOINT("state.job.save")) {
    return files::SystemError(kStoreUnavailable, "write", path, ENOSPC);
  }
  WEIR_TRY(files::Replace(kStoreUnavailable, path, Encode(facts)));
  facts_ = facts;
  return Status::Ok();
}

Result<uint64_t> JobStore::BeginAttempt() {
  JobFacts facts = facts_;
  facts.attempt++;
  WEIR_TRY(Save(facts));
  return facts.attempt;
}

Status JobStore::RaiseAttempt(uint64_t seen) {
  if (facts_.attempt >= seen) return Status::Ok();
  JobFacts facts = facts_;
  facts.attempt = seen;
  return Save(facts);
}

Status JobStore::RaiseLane(const std::string& sink, uint32_t lane) {
  WEIR_CHECK(sink.find('\n') == std::string::npos);
  const auto known = facts_.highest_lane.find(sink);
  if (known != facts_.highest_lane.end() && known->second >= lane) return Status::Ok();
  JobFacts facts = facts_;
  facts.highest_lane[sink] = lane;
  return Save(facts);
}

Status JobStore::BeginInstance() {
  JobFacts facts = facts_;
  facts.instance = RandomId();
  facts.highest_lane.clear();
  return Save(facts);
}

Status JobStore::AdoptInstance(const std::string& instance) {
  JobFacts facts = facts_;
  facts.instance = instance;
  return Save(facts);
}

}  // namespace weir
