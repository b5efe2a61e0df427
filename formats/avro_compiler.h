#pragma once

#include "formats/avro_columns.h"
#include "formats/avro_plan.h"

namespace weir {

/// Works out how records written with `writer` become `columns`, by the specification's rules of
/// resolution. A field that no column needs is not resolved, only skipped. What can only be known
/// from the data (the branch of a union, an enum's symbol) is left to it. The plan points into
/// `writer` and `columns`. An error names the field and both types.
Result<AvroPlan> CompileAvro(const AvroSchema& writer, const AvroColumns& columns);

}  // namespace weir
