#pragma once

#include <memory>
#include <vector>

#include "formats/format.h"

namespace weir {

/// A decoder of JSON records, one object each.
///
/// A column stands at its `from` path (`address.city`), or under its own name, which may hold any
/// character. Missing is null and unknown is ignored, but every record is checked throughout: one
/// that is not JSON by RFC 8259 in UTF-8, nested deeper than kDeepestJson, or with anything behind
/// its object is rejected, whichever columns are asked for. Where a field stands there twice the
/// last one counts (each must fit its column).
///
/// The records' structure is found by simdjson, one record at a time, so no record can disturb
/// another.
Result<std::unique_ptr<Decoder>> MakeJsonDecoder(const std::vector<ColumnDeclaration>& declared,
                                                 const std::vector<int>& wanted);

}  // namespace weir
