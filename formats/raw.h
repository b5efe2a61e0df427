#pragma once

#include "formats/format.h"

namespace weir {

/// Records as they are: one column, `value bytes`; in files one record per line.
const Format& RawFormat();

}  // namespace weir
