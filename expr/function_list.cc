#include "expr/function_list.h"

#include "expr/aggregates/aggregate_function.h"
#include "expr/functions/function.h"

namespace weir {

std::vector<FunctionHelp> ListAllFunctions() {
  std::vector<FunctionHelp> list;
  for (const Function* function : AllFunctions()) {
    list.push_back({function->name, function->group, function->signature, function->help,
                    function->example, function->result});
  }
  for (const AggregateFunction& aggregate : AllAggregates()) {
    list.push_back({aggregate.name, "aggregate", aggregate.signature, aggregate.help,
                    aggregate.example, aggregate.result});
  }
  return list;
}

}  // namespace weir
