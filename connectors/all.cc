#include <vector>

#include "connectors/blackhole/blackhole.h"
#include "connectors/connector.h"
#include "connectors/files/files.h"
#include "connectors/generator/generator.h"
#include "connectors/kafka/kafka.h"
#include "connectors/opensearch/opensearch.h"
#include "connectors/stdout/stdout.h"

namespace weir {

std::span<const Connector* const> AllConnectors() {
  // The order of the reference page.
  static const std::vector<const Connector*> connectors = {
      &KafkaConnector(),     &FilesConnector(),  &OpenSearchConnector(),
      &GeneratorConnector(), &StdoutConnector(), &BlackholeConnector(),
  };
  return connectors;
}

}  // namespace weir
