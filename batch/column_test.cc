#include "batch/column.h"

#include <optional>
#include <random>

#include "tests/catch.h"

namespace weir {
namespace {

TEST_CASE("a column builder holds what was appended and not taken back") {
  const uint64_t seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 50; round++) {
    ColumnBuilder numbers{Type(TypeKind::kInt64)};
    ColumnBuilder texts{Type(TypeKind::kString)};
    ColumnBuilder lists{Type::List(TypeKind::kInt32)};
    std::vector<std::optional<int64_t>> model;
    for (int step = 0; step < 300; step++) {
      switch (random() % 16) {
        case 0:
          model.resize(random() % (model.size() + 1));
          numbers.Truncate(model.size());
          texts.Truncate(model.size());
          lists.child(0).Append<int32_t>(-1);  // Of a value that was begun only.
          lists.Truncate(model.size());
          break;
        case 1:
          model.emplace_back();
          numbers.AppendNull();
          texts.AppendNull();
          lists.AppendNull();
          break;
        case 2:
          numbers.Reserve(random() % 1000);
          texts.Reserve(random() % 1000);
          break;
        default: {
          const auto value = static_cast<int64_t>(random() % 40);
          model.emplace_back(value);
          numbers.Append(value);
          texts.AppendText(std::string(static_cast<size_t>(value), 'x'));
          for (int32_t i = 0; i < value; i++) lists.child(0).Append(i);
          lists.AppendNested();
        }
      }
    }
    const ColumnPtr number = numbers.Finish();
    const ColumnPtr text = texts.Finish();
    const ColumnPtr list = lists.Finish();
    REQUIRE(number->size() == model.size());
    REQUIRE(text->size() == model.size());
    REQUIRE(list->size() == model.size());
    for (size_t i = 0; i < model.size(); i++) {
      REQUIRE(number->IsNull(i) == !model[i]);
      REQUIRE(text->IsNull(i) == !model[i]);
      const auto length = static_cast<size_t>(model[i].value_or(0));
      if (model[i]) REQUIRE(number->values<int64_t>()[i] == *model[i]);
      REQUIRE(text->text(i) == std::string(length, 'x'));
      REQUIRE(list->offsets()[i + 1] - list->offsets()[i] == length);
      if (length > 0) {
        REQUIRE(list->child(0)->values<int32_t>()[list->offsets()[i + 1] - 1] ==
                static_cast<int32_t>(length) - 1);
      }
    }
    CHECK(numbers.Finish()->size() == 0);
    CHECK(texts.Finish()->size() == 0);
  }
}

}  // namespace
}  // namespace weir
