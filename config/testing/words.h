#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "config/vocabulary.h"

namespace weir::testing {

/// A vocabulary for tests of the job file's structure: names as in the language, without options.
inline Vocabulary Words() {
  const auto words = [](std::initializer_list<const char*> names,
                        std::initializer_list<const char*> later) {
    std::vector<Word> list;
    for (const char* name : names) list.push_back({name, "Help.", false, nullptr, {}});
    for (const char* name : later) list.push_back({name, "Help.", true, nullptr, {}});
    return list;
  };
  Vocabulary vocabulary;
  vocabulary.sources = words({"kafka", "files", "generator"}, {});
  vocabulary.sinks = words({"kafka", "files", "stdout", "blackhole"}, {"opensearch"});
  vocabulary.sinks[0].expressions = {"key", "headers", "partition", "timestamp"};
  vocabulary.connections = words({"kafka"}, {"schema_registry", "glue", "opensearch", "s3"});
  vocabulary.formats = words({"json", "csv", "raw"}, {"avro"});
  vocabulary.clauses =
      words({"unnest", "with", "where", "window", "group_by", "having", "select", "drop"},
            {"join", "call", "dedup", "top"});
  return vocabulary;
}

/// Small jobs without fault, that use most of the language between them.
inline std::vector<std::string> Jobs() {
  return {
      R"yaml(job: orders-per-minute
parallelism: 2
checkpoint: { interval: 5s, retain: 5 }
restart: { attempts: 7, backoff: { initial: 1s, max: 1m } }
connections:
  main: { kafka: { bootstrap_servers: "${BROKERS:-localhost:9092}" } }
sources:
  orders:
    kafka: { connection: main, topic: orders, start: earliest }
    format: json
    columns:
      id: int64
      city: { type: string, from: address.city }
      at: timestamp
      tags: list<string>
    event_time: { column: at, watermark_delay: 5s, idle_after: 30s }
    on_error: { dead_letter: { files: { path: "${DIR:-/var}/bad" } } }
steps:
  large:
    from: orders
    where: |
      id > 10
      and city <> 'Nowhere'   # SQL, not a comment of YAML
  by_city:
    from: large
    window: { tumbling: 1m }
    group_by: city
    select: [city, { total: count() }, { until: window_end }]
sinks:
  totals:
    from: by_city
    kafka: { connection: main, topic: totals, key: "concat(city, '/', until)" }
  screen:
    from: [by_city]
    stdout: { rows: 10 }
)yaml",
      R"yaml(job: copy
sources:
  lines: { files: { path: in }, format: { csv: { delimiter: ';', header: false } }, columns: { a: int64, b: "map<string,int64>" } }
  made: { generator: { kind: stock, rate: 4/s }, event_time: processing }
steps:
  one:
    from: lines
    select:
    - x: "coalesce(a, 1)"
    - y: >-
        b
        is null
sinks:
  out: { from: one, files: { path: "/tmp/$$out" }, format: raw, on_error: skip }
  none:
    from: made
    blackhole:
)yaml",
  };
}

}  // namespace weir::testing
