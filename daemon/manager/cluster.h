#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "daemon/manager/facts.h"
#include "daemon/manager/placement.h"

namespace weir::manager {

/// A worker process as the manager knows it. It is present while it has a session; away for as long
/// as it may still come back to its tasks; then lost.
struct Worker {
  std::string id;
  std::string incarnation;
  std::string address;
  std::string version;
  std::map<std::string, std::string> labels;
  std::string store;  ///< Id of where it keeps checkpoints.
  std::string store_url;
  uint32_t slots = 0;
  std::optional<SessionId> session;
  Duration heard_at;    ///< While present.
  Duration away_since;  ///< While not.
  bool lost = false;    ///< Its tasks are given up.
  bool drained_by_user = false;
  bool drained_by_itself = false;  ///< Its process wants to end.
  bool drained_told = false;
  uint32_t held = 0;  ///< Slots that jobs hold, or have reserved.
  std::set<std::string> jobs;

  bool present() const { return session.has_value(); }
  bool draining() const { return drained_by_user || drained_by_itself; }
  uint32_t free() const { return held < slots ? slots - held : 0; }
  /// Takes new tasks.
  bool usable() const { return present() && !draining(); }
};

/// The workers, their slots, and who holds them.
class Cluster {
 public:
  const std::map<std::string, Worker>& workers() const { return workers_; }
  const Worker* Find(const std::string& id) const;
  Worker* Find(const std::string& id);
  /// The worker whose session this is; null for one that is over.
  Worker* OfSession(SessionId session);
  std::map<std::string, Worker>& workers_by_id() { return workers_; }
  Worker& Add(const std::string& id);
  void Forget(const std::string& id);
  void SetSession(Worker& worker, SessionId session);
  void EndSession(Worker& worker, Duration now);

  /// `job` holds these slots from now on, and none but these. By worker.
  void Hold(const std::string& job, const std::map<std::string, uint32_t>& slots);
  const std::map<std::string, uint32_t>* HeldBy(const std::string& job) const;

  /// These two are not to be in one attempt before `until`.
  void KeepApart(const std::string& one, const std::string& other, Duration until);
  /// Pairs that are kept apart at `now`; each with the lesser id first.
  std::vector<std::pair<std::string, std::string>> ApartAt(Duration now) const;
  /// When the next pair may meet again; Max: there is none.
  Duration NextMeeting() const;
  /// Forgets pairs whose time has passed; true if there was one.
  bool ForgetApart(Duration now);
  /// The same of those of a worker that was lost, or has come as a new process: that is why others
  /// could not reach it.
  void ForgetApartOf(const std::string& worker);

  /// Places `parallelism` tasks of a job on usable workers; none where they do not fit. What the
  /// job itself holds counts as free. All of them keep checkpoints where the job's are.
  std::optional<Placement> Place(const JobRecord& job, const PlacementRequest& request,
                                 Duration now) const;
  /// Slots that `job` could have now, its own included.
  uint32_t Room(const JobRecord& job, Duration now) const;
  /// Free slots of all usable workers.
  uint32_t FreeSlots() const;
  /// Slots of all workers that are present, held or not, and keep checkpoints in `store`; empty:
  /// anywhere.
  uint32_t PresentSlots(const std::string& store) const;
  /// Usable workers by the id of where they keep checkpoints.
  std::map<std::string, std::vector<const Worker*>> ByStore() const;

 private:
  std::vector<PlacementCandidate> CandidatesFor(const JobRecord& job, Duration now) const;

  std::map<std::string, Worker> workers_;
  std::map<SessionId, std::string> sessions_;
  std::map<std::string, std::map<std::string, uint32_t>> held_;
  std::map<std::pair<std::string, std::string>, Duration> apart_;
};

}  // namespace weir::manager
