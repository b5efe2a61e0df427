#include <array>

#include "operators/step_builder.h"

namespace weir {
namespace {

/// Order of meaning. A clause without a plan function is known, and refused as not there yet.
constexpr std::array kClauses = {
    Clause{"join", "Rows of another node that match.",
           "join: { node: orders, match: a.id = b.id }"},
    Clause{"unnest", "One row for each element of a list; null and [] give none.",
           "unnest: { tag: tags }", PlanUnnest},
    Clause{"with", "Columns beside the ones there are; one of the same name is replaced.",
           "with: { total: price * amount }", PlanWith},
    Clause{"where", "The rows to keep.", "where: price > 50", PlanWhere},
    Clause{"call", "Gives each batch to a program of the worker's own list.",
           "call: { program: handler, columns: { message: string } }", PlanCall, CallClauseSpec},
    Clause{"dedup", "Drops rows whose key has been seen already.",
           "dedup: { by: [order_id], within: 1h }"},
    Clause{"window", "Groups rows by event time: tumbling, hopping or session windows.",
           "window: { tumbling: 10s }", PlanWindow, WindowClauseSpec},
    Clause{"group_by", "Groups rows by a column, a list of them, or named expressions.",
           "group_by: [airport, { cell: 'geohash(lat, lon, 6)' }]", PlanGroupBy},
    Clause{"having", "The groups to keep.", "having: count() > 1", PlanHaving},
    Clause{"select", "The columns to give, in order.", "select: [ticker, { average: avg(price) }]",
           PlanSelect},
    Clause{"drop", "All columns but these.", "drop: [ip, url]", PlanDrop},
    Clause{"top", "The first rows of each window.", "top: { n: 10, by: total desc }"},
};

}  // namespace

std::span<const Clause> AllClauses() { return kClauses; }

}  // namespace weir
