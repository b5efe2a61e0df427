#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "clients/schema_registry.h"
#include "formats/format.h"

namespace weir {

/// Where a registry's schemas are kept by their ids on a shelf.
std::string ShelfNameOf(const std::string& address, const SchemaId& id);

/// What is known of an id.
struct SchemaById {
  bool there = false;  ///< False: the registry does not have it.
  SchemaKind kind = SchemaKind::kAvro;
  std::string text;
  std::vector<std::string> referred;  ///< Schemas that it refers to, as AvroSchema::Parse has them.
};

/// Schemas by id for one decoder, fetched in the background: from the shelf, then from the
/// registry, again and again until either has an answer. What the registry gives is kept on the
/// shelf before anybody gets it, so that no record is read by what a later run could not have.
///
/// Used by one thread; has one of its own from the first id on that it is asked for.
class SchemaSource {
 public:
  /// `address` as RegistryConnection has it. The registry is this source's alone.
  SchemaSource(std::shared_ptr<SchemaRegistry> registry, std::string address,
               std::shared_ptr<SchemaShelf> shelf);
  /// Ends what is under way.
  ~SchemaSource();
  SchemaSource(const SchemaSource&) = delete;
  SchemaSource& operator=(const SchemaSource&) = delete;

  /// None while it is on its way. Never blocks.
  std::optional<SchemaById> Find(const SchemaId& id);

 private:
  void Run();
  Result<SchemaById> Fetch(const SchemaId& id);
  bool Pause(Duration wait);

  const std::shared_ptr<SchemaRegistry> registry_;
  const std::string address_;
  const std::shared_ptr<SchemaShelf> shelf_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;                   // The rest is under mutex_, too.
  std::set<SchemaId> wanted_;             // Not found out yet.
  std::map<SchemaId, SchemaById> found_;  // Not asked for again yet.
};

}  // namespace weir
