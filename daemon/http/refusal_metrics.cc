#include "daemon/http/metrics.h"

namespace weir {

std::span<const RefusalMetric> RefusalMetrics() {
  static const std::vector<RefusalMetric> metrics = {
      {"weir_refused_total",
       "Connections and requests that were not let in.",
       true,
       {"why"},
       [](const Refusals& refusals) {
         std::vector<Sample> samples;
         for (Refusal why : kRefusals) {
           samples.push_back(
               {{std::string(NameOf(why))}, static_cast<double>(refusals.Count(why))});
         }
         return samples;
       }},
  };
  return metrics;
}

}  // namespace weir
