#pragma once

#include <string>

#include "formats/avro_schema.h"

namespace weir {

/// Whether a writer's and a reader's type match, by the specification's list (unions match
/// anything, names count without their namespace, a reader's aliases count as names). Matching
/// types may still not resolve.
bool AvroMatches(const AvroType& writer, const AvroType& reader);

/// Why not, in a word or two for a message: `string is not read as int`.
std::string AvroMismatch(const AvroType& writer, const AvroType& reader);

/// The branch of the reader's union that takes what was written as `writer` (no union): a named
/// type of the same full name, otherwise the first that matches; null where none does.
const AvroType* AvroBranchFor(const AvroType& writer, const AvroType& reader_union);

/// The index of the writer's field that a reader's field is read from: the one of its name,
/// otherwise of one of its aliases; -1 where there is none.
int AvroFieldFor(const AvroType& writer_record, const AvroField& reader_field);

}  // namespace weir
