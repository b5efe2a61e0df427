#include "formats/schema_source.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/hex.h"
#include "base/log.h"
#include "clients/sigv4.h"

namespace weir {
namespace {

constexpr Duration kFirstPause = Duration::Millis(250);
constexpr Duration kLongestPause = Duration::Seconds(10);

/// A schema as it lies on a shelf: a JSON list of its kind, its text, and what it refers to.
std::string ToShelf(const SchemaById& schema) {
  nlohmann::json json = {std::string(NameOf(schema.kind)), schema.text};
  for (const std::string& each : schema.referred) json.push_back(each);
  return json.dump();
}

std::optional<SchemaById> FromShelf(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array() || json.size() < 2) return std::nullopt;
  std::vector<std::string> texts;
  for (const auto& each : json) {
    if (!each.is_string()) return std::nullopt;
    texts.push_back(each.get<std::string>());
  }
  const std::optional<SchemaKind> kind = SchemaKindOf(texts[0]);
  if (!kind) return std::nullopt;
  return SchemaById{true, *kind, texts[1], {texts.begin() + 2, texts.end()}};
}

}  // namespace

std::string ShelfNameOf(const std::string& address, const SchemaId& id) {
  return Hex(Sha256Of(address)).substr(0, 16) + "-" + id.ToString();
}

SchemaSource::SchemaSource(std::shared_ptr<SchemaRegistry> registry, std::string address,
                           std::shared_ptr<SchemaShelf> shelf)
    : registry_(std::move(registry)), address_(std::move(address)), shelf_(std::move(shelf)) {}

SchemaSource::~SchemaSource() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  registry_->Cancel();
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::optional<SchemaById> SchemaSource::Find(const SchemaId& id) {
  const std::lock_guard lock(mutex_);
  if (const auto at = found_.find(id); at != found_.end()) {
    SchemaById schema = std::move(at->second);
    found_.erase(at);
    return schema;
  }
  if (!wanted_.insert(id).second) return std::nullopt;
  if (!thread_.joinable()) thread_ = log::StartThread([this] { Run(); });
  wake_.notify_all();
  return std::nullopt;
}

/// Ids are tried in turn, so that one that cannot be had does not hold up another.
void SchemaSource::Run() {
  Duration pause = kFirstPause;
  bool told = false;
  SchemaId last;
  for (;;) {
    SchemaId id;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !wanted_.empty(); });
      if (ending_) return;
      auto next = wanted_.upper_bound(last);
      if (next == wanted_.end()) next = wanted_.begin();
      id = last = *next;
    }
    Result<SchemaById> schema = Fetch(id);
    if (schema.ok()) {
      if (told) log::Info("the schema registry answers again", {{"registry", address_}});
      told = false;
      pause = kFirstPause;
      const std::lock_guard lock(mutex_);
      wanted_.erase(id);
      found_[id] = *std::move(schema);
      continue;
    }
    if (!told) {
      log::Warn("a schema cannot be had, its records wait", {{"code", schema.status().code().id},
                                                             {"schema", id.ToString()},
                                                             {"registry", address_},
                                                             {"reason", schema.status().message()},
                                                             {"cure", schema.status().cure()}});
    }
    told = true;
    if (!Pause(pause)) return;
    pause = std::min(Duration{pause.us * 2}, kLongestPause);
  }
}

/// False: the source ends.
bool SchemaSource::Pause(Duration wait) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, wait.ToChrono(), [this] { return ending_; });
}

Result<SchemaById> SchemaSource::Fetch(const SchemaId& id) {
  const std::string name = ShelfNameOf(address_, id);
  if (shelf_) {
    const std::optional<std::string> kept = WEIR_TRY(shelf_->Find(name));
    // One that nobody can make sense of is as good as none: what an id names never changes.
    if (kept) {
      if (auto schema = FromShelf(*kept)) return *std::move(schema);
    }
  }
  std::optional<RegisteredSchema> answer = WEIR_TRY(registry_->FetchById(id));
  if (!answer) return SchemaById{};
  SchemaById schema{true, answer->schema.kind, std::move(answer->schema.text),
                    std::move(answer->dependencies)};
  if (shelf_) WEIR_TRY(shelf_->Keep(name, ToShelf(schema)));
  return schema;
}

}  // namespace weir
