#include "daemon/http/metrics.h"

namespace weir {
namespace {

WorkerMetric Count(std::string_view name, std::string_view help,
                   uint64_t (*value)(const WorkerStatus&)) {
  return {name, help, true, {}, [value](const WorkerStatus& worker) {
            return std::vector<Sample>{{{}, static_cast<double>(value(worker))}};
          }};
}
WorkerMetric Gauge(std::string_view name, std::string_view help,
                   uint64_t (*value)(const WorkerStatus&)) {
  WorkerMetric metric = Count(name, help, value);
  metric.counter = false;
  return metric;
}

}  // namespace

std::span<const WorkerMetric> WorkerMetrics() {
  using W = const WorkerStatus&;
  static const std::vector<WorkerMetric> metrics = {
      Gauge("weir_session_up", "1 while this worker has a session with a manager.",
            [](W worker) -> uint64_t { return worker.connected ? 1 : 0; }),
      Count("weir_sessions_total", "Sessions with a manager that counted.",
            [](W worker) { return worker.sessions; }),
      Count("weir_sessions_refused_total", "Times that a manager has refused this worker.",
            [](W worker) { return worker.refusals; }),
      Gauge("weir_slots", "Worker slots of this worker.",
            [](W worker) -> uint64_t { return worker.slots; }),
      Gauge("weir_attempts_led", "Attempts that this worker leads.",
            [](W worker) { return worker.led; }),
      Gauge("weir_attempts_hosted", "Attempts of which tasks are here.",
            [](W worker) { return worker.hosted; }),
      Gauge("weir_exchange_channels", "Channels to and from other workers that are open.",
            [](W worker) { return worker.sent.channels + worker.received.channels; }),
      Count("weir_exchange_sent_bytes_total", "Bytes of elements given to channels to others.",
            [](W worker) { return worker.sent.bytes; }),
      Count("weir_exchange_sent_elements_total",
            "Batches, watermarks and barriers given to channels to others.",
            [](W worker) { return worker.sent.elements; }),
      Count("weir_exchange_received_bytes_total", "Bytes of elements that others have sent.",
            [](W worker) { return worker.received.bytes; }),
      Count("weir_exchange_received_elements_total",
            "Batches, watermarks and barriers that others have sent.",
            [](W worker) { return worker.received.elements; }),
      Count("weir_exchange_broken_total", "Channels that broke, either way, and so their attempts.",
            [](W worker) { return worker.broken; }),
  };
  return metrics;
}

}  // namespace weir
