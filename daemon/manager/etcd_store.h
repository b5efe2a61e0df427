#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/time.h"
#include "clients/etcd.h"
#include "daemon/manager/record_store.h"

namespace weir::manager {

struct EtcdStoreOptions {
  EtcdOptions etcd;
  std::string prefix = "/weir/";  ///< Before all keys: of one cluster of weir's.
  std::string name;               ///< What this manager is called where others look.
  /// How long after its death another may lead; whole seconds.
  Duration lease = Duration::Seconds(5);
};

/// The store of managers of which one leads at a time, in etcd.
///
/// Beside the records it keeps `term`, and `leader`, which is bound to a lease of the leader's and
/// has a value that nobody else ever writes. Who makes `leader` where there is none leads, and
/// raises `term` with it; each write is carried out only while `leader` is the writer's own. So a
/// manager that was paused for longer than its lease writes nothing, whatever it believes.
class EtcdStore final : public RecordStore {
 public:
  /// `clock` outlives the store.
  EtcdStore(EtcdStoreOptions options, const Clock& clock);
  /// Gives up leading, so that another need not wait.
  ~EtcdStore() override;

  /// Waits until nobody else leads, or `GiveUp`. After a lost lease it may be called again.
  Result<Leadership> Lead(LeadershipListener& listener) override;
  bool ElectsAgain() const override { return true; }
  void GiveUp() override;
  Result<std::string> Backup() const override;
  size_t most_text_bytes() const override { return 1 << 20; }

 private:
  Result<std::vector<Entry>> Scan(std::string_view prefix) override;
  Status Write(std::span<const Change> changes) override;

  /// One try; none: another leads.
  Result<std::optional<Leadership>> TryToLead();
  void KeepAlive(LeadershipListener& listener, Duration until);
  void StopKeeping();
  bool Wait(Duration time);
  std::string Key(std::string_view key) const { return options_.prefix + std::string(key); }

  const EtcdStoreOptions options_;
  const Clock& clock_;
  EtcdClient client_;
  int64_t lease_ = 0;
  std::string mine_;  ///< The value of `leader` while this one leads.

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  ///< The thread's end is asked for.
  bool given_up_ = false;
  std::thread keeper_;
};

}  // namespace weir::manager
