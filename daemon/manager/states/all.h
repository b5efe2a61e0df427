#pragma once

namespace weir::manager {

class State;

/// One function for each file of this folder.
namespace states {
const State& Waiting();
const State& Starting();
const State& Running();
const State& Stopping();
const State& Stopped();
const State& Ended();
const State& Cancelled();
const State& Failed();
const State& NeedsDecision();
}  // namespace states

}  // namespace weir::manager
