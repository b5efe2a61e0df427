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
/// The structure of many records is found at once (json_sweep.h). Whatever is not as it should be
/// is read again record by record (json_record.h), so no record can disturb another.
Result<std::unique_ptr<Decoder>> MakeJsonDecoder(const std::vector<ColumnDeclaration>& declared,
                                                 const std::vector<int>& wanted);

/// The same, record by record throughout: what the other is tested against.
Result<std::unique_ptr<Decoder>> MakePlainJsonDecoder(
    const std::vector<ColumnDeclaration>& declared, const std::vector<int>& wanted);

}  // namespace weir
