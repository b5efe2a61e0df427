#include "daemon/manager/states/at_rest.h"

#include "daemon/manager/attempts.h"

namespace weir::manager::states {

Status AtRest::Submit(Job& job, const commands::Submit& submit, Turn& turn) const {
  JobRecord& record = job.record;
  if (*record.text.yaml != *submit.yaml) {
    record.text = {record.text.version + 1, submit.yaml};
  }
  record.policy = submit.policy;
  record.parallelism = submit.parallelism;
  job.spread = true;
  GoOn(job, submit.choices, submit.instance, turn);
  return Status::Ok();
}

Status AtRest::Restart(Job& job, const commands::Restart& restart, Turn& turn) const {
  GoOn(job, restart.choices, restart.instance, turn);
  return Status::Ok();
}

void AtRest::GoOn(Job& job, const AttemptChoices& choices, const std::string& instance,
                  Turn& turn) {
  JobRecord& record = job.record;
  // Lanes stay known: whoever may still write through one of them is fenced all the same.
  if (choices.fresh) record.instance = instance;
  // Neither needs what its checkpoints' old place holds.
  if (choices.fresh || !choices.from.empty()) record.store.clear();
  // A fresh start that was not carried out still stands: the checkpoints are another instance's.
  const bool still_fresh = record.choices.fresh;
  record.choices = choices;
  record.choices.fresh |= still_fresh;
  record.failures_in_row = 0;
  record.failure.reset();
  record.note.clear();
  job.try_at = {};
  turn.MoveTo(job, JobState::kWaiting);
}

}  // namespace weir::manager::states
