#pragma once

#include <string>
#include <vector>

#include "formats/avro_plan.h"

namespace weir {

/// Makes `node` read a scalar that was written as `writer` into a column of `type`, as its reader's
/// type sees it; the two match (AvroMatches). Units of times that both name are converted.
void FillAvroLeaf(const AvroType& writer, const AvroType& reader, const Type& type,
                  const TimeReader& times, AvroNode& node);

/// The step that reads what `node` says into a column: a quicker one where there is one.
AvroStep AvroReadStep(const AvroNode& node);

/// Appends what skips a field of `type`; one step skips several of a kind.
void AddAvroSkip(const AvroType& type, const std::string& name, std::vector<AvroStep>& steps);

}  // namespace weir
