#pragma once

#include <optional>
#include <string>

#include "daemon/manager/turn.h"

namespace weir::manager {

/// What the states of a job do with its attempts. Each of these leaves the job in a legal state and
/// its record to be stored.

/// Waits for so long after that many failures in a row: none before the first restart after a lost
/// worker, which is nobody's fault; else `restart_initial`, doubling up to `restart_max`. Pure.
Duration BackoffAfter(const JobPolicy& policy, uint32_t failures_in_row, bool worker_lost);

/// Gives a waiting job its next attempt and moves it to starting, if there is room. A job that is
/// scaled by weir takes less than it had, down to its least parallelism, rather than wait.
bool BeginAttempt(Job& job, Turn& turn);

/// Tells the lead of the attempt, which is durable. Nothing where it was told, or is away just now.
void DeployAttempt(Job& job, Turn& turn);

/// Asks the lead to stop; nothing where it was asked lately.
void AskToStop(Job& job, Turn& turn);

/// Slots that the job will need besides those it has, until its next attempt begins.
void Reserve(Job& job, const Placement& placement, Turn& turn);

/// When workers of an attempt that is over are told: at once, or when that is durable.
enum class TellWorkers { kNow, kWhenStored };

/// The record has no attempt any more. Workers that may still host some of it are told, but for a
/// lead that ended it itself: that one tells of the outcome until the record is durable. The job
/// holds what it had on workers that are there, so that it finds room again; a job that comes to
/// rest holds nothing.
void GiveUpAttempt(Job& job, TellWorkers when, bool ended_by_lead, Turn& turn);

struct AttemptFailure {
  Failure failure;
  bool worker_lost = false;
  bool progress = false;  ///< It has completed checkpoints: a new series of failures begins.
  bool counts = true;     ///< It was begun at all.
  bool began = false;     ///< The user's choices are carried out.
};
/// Decides what becomes of a job whose attempt has failed: the next one after a backoff, a rest
/// until somebody mends it, or the user's choice.
void AfterFailure(Job& job, AttemptFailure failed, bool ended_by_lead, Turn& turn);

/// The savepoint of `next` is taken, or needs none: the record becomes what `next` says. Not for a
/// stop.
void ApplyNext(Job& job, Turn& turn);

/// Notes why an attempt ended that will have a successor.
void RememberRestart(Job& job, std::string reason, Turn& turn);

/// Comes to rest: `next`, reservations and backoff are forgotten.
void Rest(Job& job, JobState state, Turn& turn);

/// Ok where `parallelism` can be had: it is a legal one, and there is room now. The error says what
/// is needed and what there is.
Status CheckRoom(const Job& job, uint32_t parallelism, Turn& turn);

}  // namespace weir::manager
