#pragma once

#include "config/job_spec.h"

namespace weir {

/// Checks how the nodes of a job hang together: names taken once, references to nodes that are
/// there, no circles, nothing unused. Puts the steps into an order in which each comes after all it
/// reads; leaves out the steps of circles, and references to nodes that are not listed.
void CheckGraph(JobSpec& job, Diagnostics& diagnostics);

}  // namespace weir
