#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "engine/ids.h"

namespace weir {

/// Which attempts have tasks in this process: at most one of each job, never an older one after a
/// newer one was seen (protocol rule 32). Thread safe.
class AttemptRegistry {
 public:
  /// Ends the part as soon as it can; called from any thread, must not block. `channel`: the one
  /// that broke, where it was that.
  using OnBroken = std::function<void(Status reason, const std::string& channel)>;

  /// Waits until the part of an older attempt, which is told to end, has left. kOldAttempt where a
  /// newer one was seen, kStillThere where the older part does not end within `patience`.
  Status Enter(const std::string& job, const AttemptId& attempt, Duration patience,
               OnBroken on_broken);
  /// Nothing of the part is left. Afterwards its OnBroken is not called any more.
  void Leave(const std::string& job, const AttemptId& attempt);
  /// The attempt can't go on: its part here is told so.
  void Break(const std::string& job, const AttemptId& attempt, const Status& reason,
             const std::string& channel = {});
  /// The job has this attempt: parts of older ones are told to end.
  void Saw(const std::string& job, const AttemptId& attempt);

  std::vector<std::pair<std::string, AttemptId>> Hosted() const;

 private:
  struct Job {
    AttemptId newest;  ///< Seen.
    AttemptId here;    ///< Whose part is here, if `on_broken`.
    OnBroken on_broken;
  };
  static Status Old(const std::string& job, const AttemptId& attempt, const AttemptId& newest);
  void SawLocked(Job& job, const std::string& name, const AttemptId& attempt);

  mutable std::mutex mutex_;
  std::condition_variable left_;
  std::map<std::string, Job> jobs_;
};

}  // namespace weir
