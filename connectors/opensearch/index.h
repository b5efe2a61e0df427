#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch/type.h"
#include "connectors/opensearch/connection.h"

namespace weir::opensearch {

/// Field types by column, as a job gives them.
using FieldTypes = std::map<std::string, std::string>;

/// Pure. The body that makes an index for rows of `schema`: fields of `given` as they are said, the
/// others by their columns' types. Texts can be searched and, by NAME.keyword, be counted and
/// sorted, as the server does it by itself; columns of type json or null, and maps, are left to it.
std::string IndexBody(const Schema& schema, const FieldTypes& given);

/// Pure. The body that adds fields of `given` to an index that is there.
std::string MappingBody(const FieldTypes& given);

/// Pure. Holds what is given against the mapping of an index, or of all indices of an alias, in the
/// server's words (`GET /INDEX/_mapping`). The fields that are not there yet. Errors:
/// kMappingConflict, which names all fields of another type; kBadAnswer.
Result<FieldTypes> CompareMapping(std::string_view answer, const FieldTypes& given,
                                  const std::string& index);

/// Sees that the server lets weir in and, where `given` is not empty, that the index is there and
/// maps the fields so: makes it, or adds what it lacks. Without `given` it is left to the server
/// and its templates. Errors: those of Connection and JudgeAnswer, kMappingConflict.
Status PrepareIndex(Connection& connection, const std::string& index, const Schema& schema,
                    const FieldTypes& given);

}  // namespace weir::opensearch
