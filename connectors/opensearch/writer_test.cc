#include "connectors/opensearch/writer.h"

#include "connectors/harness.h"
#include "connectors/opensearch/errors.h"
#include "connectors/opensearch/options.h"
#include "connectors/opensearch/outbox.h"
#include "connectors/opensearch/publisher.h"
#include "tests/catch.h"

namespace weir::opensearch {
namespace {

struct Kept {
  std::string id;
  std::optional<std::string> document;
  bool operator==(const Kept&) const = default;
};

std::vector<Kept> ChangesOf(const SealedPart& part) {
  std::vector<Kept> kept;
  ChangeReader reader(part);
  Change change;
  while (reader.Next(change)) {
    kept.push_back({std::string(change.id), std::nullopt});
    if (change.document) kept.back().document = std::string(*change.document);
  }
  CHECK(reader.status().ok());
  return kept;
}

const std::vector<Field> kFields = {{"name", TypeKind::kString},
                                    {"at", TypeKind::kTimestamp},
                                    {"free", TypeKind::kJson},
                                    {"id", TypeKind::kString},
                                    {"gone", TypeKind::kBool}};

Writer MakeWriter(SinkColumns columns) {
  const Schema documents({kFields.begin(), kFields.begin() + 3});
  return Writer({}, MakeJsonEncoder(documents, {TimestampStyle::kIso8601, {}}), columns);
}

void AppendRow(BatchBuilder& rows, std::optional<std::string> id, const std::string& free,
               bool gone) {
  rows.column(0).AppendText("ann");
  rows.column(1).Append<int64_t>(1'500'000);
  rows.column(2).AppendText(free);
  if (id) {
    rows.column(3).AppendText(*id);
  } else {
    rows.column(3).AppendNull();
  }
  rows.column(4).AppendBool(gone);
}

}  // namespace

TEST_CASE("rows become documents in one line each, tombstones deletes; bad ids are rejected") {
  Writer writer = MakeWriter({3, 4});
  BatchBuilder rows(std::make_shared<const Schema>(kFields));
  AppendRow(rows, "a", "{\n\"x\":\r\n1}", false);
  AppendRow(rows, "b", "1", true);
  AppendRow(rows, std::nullopt, "1", false);
  AppendRow(rows, "", "1", true);
  AppendRow(rows, std::string(512, 'x'), "1", true);
  AppendRow(rows, std::string(513, 'x'), "1", true);
  std::vector<Rejection> rejected;
  REQUIRE(writer.Write(*rows.Finish(), rejected).ok());
  REQUIRE(rejected.size() == 3);
  CHECK(rejected[0].record == 2);
  CHECK(rejected[1].record == 3);
  CHECK(rejected[2].record == 5);
  for (const Rejection& rejection : rejected) CHECK(rejection.code == &errors::kDocumentId);
  const SealedPart part = writer.Seal(Epoch{1}, false).value();
  CHECK(part.rows == 3);
  const std::vector<Kept> kept = ChangesOf(part);
  REQUIRE(kept.size() == 3);
  CHECK(kept[0] ==
        Kept{"a", R"({"name":"ann","at":"1970-01-01T00:00:01.500Z","free":{ "x":  1}})"});
  CHECK(kept[1] == Kept{"b", std::nullopt});
  CHECK(writer.Seal(Epoch{2}, false)->empty());
}

TEST_CASE("rows without an id get one that no other row has, of no writer") {
  std::set<std::string> ids;
  for (int w = 0; w < 2; w++) {
    Writer writer = MakeWriter({});
    for (int epoch = 1; epoch < 3; epoch++) {
      BatchBuilder rows(std::make_shared<const Schema>(kFields));
      for (int i = 0; i < 3; i++) AppendRow(rows, std::nullopt, "1", false);
      std::vector<Rejection> rejected;
      REQUIRE(writer.Write(*rows.Finish(), rejected).ok());
      CHECK(rejected.empty());
      const SealedPart part = writer.Seal({static_cast<uint64_t>(epoch)}, false).value();
      for (const Kept& kept : ChangesOf(part)) ids.insert(kept.id);
    }
  }
  CHECK(ids.size() == 12);
}

TEST_CASE("ids are texts as they are, and other values without quotes") {
  const std::pair<Field, std::string> cases[] = {{{"id", TypeKind::kTimestamp}, "1500"},
                                                 {{"id", TypeKind::kInt64}, "1500000"}};
  for (const auto& [field, expected] : cases) {
    Writer writer({}, MakeJsonEncoder(Schema({field}), {}), {0, -1});
    BatchBuilder rows(std::make_shared<const Schema>(std::vector<Field>{field}));
    rows.column(0).Append<int64_t>(1'500'000);
    std::vector<Rejection> rejected;
    REQUIRE(writer.Write(*rows.Finish(), rejected).ok());
    const SealedPart part = writer.Seal({1}, false).value();
    CHECK(ChangesOf(part)[0].id == expected);
  }
}

TEST_CASE("what cannot be an id or a tombstone is told before anything runs") {
  const Schema schema({{"list", Type::List(TypeKind::kString)}, {"n", TypeKind::kInt64}});
  CHECK(CheckSinkColumns(schema, {1, -1}).ok());
  CHECK(CheckSinkColumns(schema, {0, -1}).Is(errors::kSearchOption));
  CHECK(CheckSinkColumns(schema, {1, 1}).Is(errors::kSearchOption));
  CHECK(CheckSinkColumns(schema, {-1, 1}).Is(errors::kSearchOption));
}

TEST_CASE("a damaged outbox is told, however it is damaged") {
  std::string sealed(kOutboxMagic);
  AppendChange(sealed, {"a", R"({"n":1})"});
  AppendChange(sealed, {"b", std::nullopt});
  for (size_t length = 1; length < sealed.size(); length++) {
    const SealedPart part{sealed.substr(0, length), 0, nullptr};
    ChangeReader reader(part);
    Change change;
    size_t changes = 0;
    while (reader.Next(change)) changes++;
    CHECK(changes < 2);
    // After whole changes it looks like a shorter one.
    if (reader.status().ok()) continue;
    CHECK(reader.status().Is(errors::kDamagedDocuments));
  }
  std::string other = sealed;
  other[4] = 2;
  const SealedPart part{other, 0, nullptr};
  ChangeReader reader(part);
  Change change;
  CHECK_FALSE(reader.Next(change));
  CHECK(reader.status().Is(errors::kDamagedDocuments));
}

TEST_CASE("of each id the last change counts, over tasks and epochs") {
  const auto part = [](std::initializer_list<std::string_view> ids) {
    std::string sealed(kOutboxMagic);
    for (const std::string_view id : ids) AppendChange(sealed, {id, "{}"});
    return SealedPart{sealed, static_cast<int64_t>(ids.size()), nullptr};
  };
  NewestChanges newest;
  REQUIRE(newest.Read({{Epoch{4}, {part({"a", "b", "a"}), part({"c"})}}, {Epoch{5}, {part({"b"})}}})
              .ok());
  CHECK_FALSE(newest.Counts("a", 0));
  CHECK_FALSE(newest.Counts("b", 1));
  CHECK(newest.Counts("a", 2));
  CHECK(newest.Counts("c", 3));
  CHECK(newest.Counts("b", 4));
}

TEST_CASE("names of indices that a server would not take are refused") {
  for (const char* good : {"counts", "a", "logs-2026.01.01", "a_b", ".hidden"}) {
    CHECK(IsIndexName(good));
  }
  for (const char* bad :
       {"", "Counts", "_a", "-a", "a b", "a/b", "a,b", "a*", "ü", ".", "..", "a?"}) {
    CHECK_FALSE(IsIndexName(bad));
  }
  CHECK_FALSE(IsIndexName(std::string(256, 'a')));
}

}  // namespace weir::opensearch
