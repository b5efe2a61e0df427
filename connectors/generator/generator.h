#pragma once

#include "connectors/connector.h"

namespace weir {

/// A source that makes rows up: `generator: { kind: clickstream, users: 8, seed: 1 }`.
///
/// A row is a pure function of the seed, its split and its number there, so a job gives the same
/// rows at any parallelism and after any restart; `start_time` only shifts their times.
///
/// Times and pace: with a `delay`, a split's rows are that far apart, and without a `rate` they
/// come when the clock reaches their times. With a `rate` the rows of all splits come at that rate;
/// where there is no delay their times follow it too. With neither, rows come as fast as they are
/// taken and their times advance by the kind's own step.
const Connector& GeneratorConnector();

}  // namespace weir
