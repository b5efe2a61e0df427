#include "daemon/manager/etcd_store.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/failpoint.h"
#include "base/failure_log.h"
#include "base/ids.h"
#include "base/log.h"
#include "daemon/manager/errors.h"
#include "daemon/manager/record_form.h"

namespace weir::manager {
namespace {

constexpr std::string_view kLeader = "leader";
constexpr std::string_view kTerm = "term";
constexpr Duration kLookAgain = Duration::Millis(250);
// etcd takes 128 operations and 1.5 MiB in a transaction, unless it is told otherwise.
constexpr size_t kMostChanges = 64;
constexpr size_t kMostBytes = 256 << 10;

}  // namespace

EtcdStore::EtcdStore(EtcdStoreOptions options, const Clock& clock)
    : RecordStore({kMostChanges, kMostBytes}),
      options_(std::move(options)),
      clock_(clock),
      client_(options_.etcd) {}

EtcdStore::~EtcdStore() {
  FinishWriting();
  StopKeeping();
  if (lease_ == 0) return;
  if (const Status revoked = client_.RevokeLease(lease_); !revoked.ok()) {
    log::Info("the lease is left to end by itself", {{"reason", revoked.ToString()}});
  }
}

void EtcdStore::GiveUp() {
  {
    std::lock_guard lock(mutex_);
    given_up_ = true;
  }
  wake_.notify_all();
}

/// False: the thread is to end, or leading was given up.
bool EtcdStore::Wait(Duration time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time.ToChrono(), [this] { return stopping_ || given_up_; });
}

void EtcdStore::StopKeeping() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (keeper_.joinable()) keeper_.join();
  std::lock_guard lock(mutex_);
  stopping_ = false;
}

Result<std::string> EtcdStore::Backup() const {
  return Status(errors::kOthersBackup, "the jobs are kept in etcd, which has copies of its own",
                "take one with 'etcdctl snapshot save', at any time");
}

Result<Leadership> EtcdStore::Lead(LeadershipListener& listener) {
  FinishWriting();
  StopKeeping();
  FailureLog failures{Duration::Seconds(10)};
  bool told = false;
  while (true) {
    Result<std::optional<Leadership>> tried = TryToLead();
    if (tried.ok() && *tried) {
      const Leadership leadership = **tried;
      BeginTerm(leadership.term);
      keeper_ = std::thread(
          [this, &listener, until = leadership.lease_until] { KeepAlive(listener, until); });
      return leadership;
    }
    if (!tried.ok()) {
      if (tried.status().Is(errors::kJobStoreDamaged)) return tried.status();
      if (const auto times = failures.OnFailure(clock_.Monotonic())) {
        log::Warn("etcd can't be asked who leads; it goes on trying",
                  {{"times", *times}, {"reason", tried.status().ToString()}});
      }
    } else if (!told) {
      told = true;
      log::Info("another manager leads; this one stands by");
    }
    if (!Wait(kLookAgain)) return Status(errors::kManagerEnds, "the manager is being stopped");
  }
}

Result<std::optional<Leadership>> EtcdStore::TryToLead() {
  const std::optional<EtcdEntry> leader = WEIR_TRY(client_.Get(Key(kLeader)));
  // Ours: we were made it by a call whose answer was lost, or etcd was away and kept our lease. The
  // term is a new one all the same.
  const bool ours = leader && !mine_.empty() && leader->value == mine_;
  if (leader && !ours) return std::optional<Leadership>();
  if (!ours) {
    const int64_t seconds = std::max<int64_t>(options_.lease.us / 1'000'000, 1);
    lease_ = WEIR_TRY(client_.GrantLease(seconds));
  }
  const Duration asked = clock_.Monotonic();
  const int64_t good_for = WEIR_TRY(client_.KeepAlive(lease_));
  if (good_for <= 0) return std::optional<Leadership>();
  const Duration until{asked.us + good_for * 1'000'000};

  const std::optional<EtcdEntry> stored = WEIR_TRY(client_.Get(Key(kTerm)));
  const uint64_t before = stored ? WEIR_TRY(DecodeNumber(stored->value)) : 0;
  EtcdCondition same_leader{Key(kLeader), std::nullopt};
  if (ours) same_leader.value = mine_;
  mine_ = fmt::format("{} {}", options_.name, RandomId());
  EtcdCondition same_term{Key(kTerm), std::nullopt};
  if (stored) same_term.value = stored->value;
  const EtcdCondition conditions[] = {std::move(same_leader), std::move(same_term)};
  const EtcdChange changes[] = {{Key(kLeader), mine_, lease_},
                                {Key(kTerm), std::to_string(before + 1), 0}};
  if (!WEIR_TRY(client_.Change(conditions, changes))) return std::optional<Leadership>();
  return std::optional(Leadership{before + 1, until});
}

/// Renews the lease thrice in its time. Its end is told at once where etcd says so, and otherwise
/// left to the core, which knows until when it may act.
void EtcdStore::KeepAlive(LeadershipListener& listener, Duration until) {
  FailureLog failures{Duration::Seconds(10)};
  while (Wait({options_.lease.us / 3})) {
    const Duration asked = clock_.Monotonic();
    const Result<int64_t> good_for = client_.KeepAlive(lease_);
    if (good_for.ok() && *good_for > 0) {
      until = {asked.us + *good_for * 1'000'000};
      listener.OnRenewed(until);
    } else if (good_for.ok() || clock_.Monotonic() >= until) {
      listener.OnLost("its lease at etcd has ended");
      return;
    } else if (const auto times = failures.OnFailure(asked)) {
      log::Warn("the lease at etcd can't be renewed",
                {{"times", *times}, {"reason", good_for.status().ToString()}});
    }
  }
}

Result<std::vector<RecordStore::Entry>> EtcdStore::Scan(std::string_view prefix) {
  std::vector<Entry> entries;
  for (EtcdEntry& entry : WEIR_TRY(client_.Scan(Key(prefix)))) {
    entries.emplace_back(entry.key.substr(options_.prefix.size()), std::move(entry.value));
  }
  return entries;
}

Status EtcdStore::Write(std::span<const Change> changes) {
  (void)WEIR_FAILPOINT("manager.etcd.write");
  std::vector<EtcdCondition> conditions;
  if (!WEIR_MUTANT("etcd_leader_not_asked")) conditions.push_back({Key(kLeader), mine_});
  std::vector<EtcdChange> wanted;
  for (const Change& change : changes) wanted.push_back({Key(change.key), change.value, 0});
  if (WEIR_TRY(client_.Change(conditions, wanted))) return Status::Ok();
  return Status(errors::kOldTerm, "another manager leads, or this one's lease has ended");
}

}  // namespace weir::manager
