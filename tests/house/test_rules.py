"""Each rule is shown a house that breaks it, and one that keeps it: a check that cannot fail is none."""

import subprocess

import pytest

from house import rules

GOOD_CMAKE = "add_compile_options(-Wall -Wextra -Wshadow)\nadd_compile_options(-Werror)\n"
GOOD_DEV = "#!/bin/sh\ncmake -DWEIR_WERROR=ON\n"

BROKEN = [
    (rules.broken_includes, "base/a.cc", '#include "engine/task.h"\n'),
    (rules.broken_includes, "base/a.cc", '  #  include  "batch/batch.h"\n'),
    (rules.broken_includes, "operators/a.h", '#pragma once\n#include "connectors/connector.h"\n'),
    (rules.broken_includes, "operators/a_test.cc", '#include "engine/task.h"\n'),
    (rules.broken_includes, "connectors/a.h", '#pragma once\n#include "expr/lexer.h"\n'),
    (rules.broken_includes, "operators/a.cc", '#include "tests/harness.h"\n'),
    (rules.broken_includes, "engine/a.cc", '#include "connectors/kafka/source.h"\n'),
    (rules.broken_includes, "engine/a.cc", '#include "task.h"\n'),
    (rules.broken_includes, "engine/a.cc", '#include "../base/status.h"\n'),
    (rules.broken_includes, "engine/a.cc", "#include <librdkafka/rdkafka.h>\n"),
    (rules.broken_includes, "daemon/manager/a.cc", "#include <grpcpp/grpcpp.h>\n"),
    (rules.broken_includes, "daemon/rpc/a.h", "#pragma once\n#include <grpcpp/grpcpp.h>\n"),
    (rules.broken_includes, "daemon/rpc/a.h", '#pragma once\n#include "proto/exchange.grpc.pb.h"\n'),
    (rules.broken_includes, "daemon/worker/a.cc", '#include "proto/exchange.grpc.pb.h"\n'),
    (rules.broken_includes, "state/a.cc", "#include <curl/curl.h>\n"),
    (rules.broken_includes, "connectors/a.cc", "#include <pugixml.hpp>\n"),
    (rules.broken_includes, "clients/a.cc", '#include "state/files.h"\n'),
    (rules.broken_includes, "base/a.h", "#pragma once\n#include <absl/strings/str_cat.h>\n"),
    (rules.strange_places, "misplaced/a.cc", ""),
    (rules.strange_places, "a.cc", ""),
    (rules.vague_names, "base/utils.h", "#pragma once\n"),
    (rules.vague_names, "engine/common/a.cc", ""),
    (rules.long_files, "base/a.cc", "\n" * 701),
    (rules.registry_hosts, "docs/a.md", "fetched from py" "pi.org\n"),
    (rules.registry_hosts, "tests/parts/a.sh", "curl https://repo" "1.maven.org/x\n"),
    (rules.machine_paths, "docs/a.md", "see /wo" "rk/main\n"),
    (rules.machine_paths, "tests/a.py", 'HOME = "/ro' 'ot/.cache"\n'),
    (rules.open_ends, "base/a.cc", "// TO" "DO: more\n"),
    (rules.open_ends, "base/a.cc", "// FIX" "ME\n"),
    (rules.self_registration, "operators/a.cc", "static bool registered = RegisterOperator(kSpec);\n"),
    (rules.self_registration, "operators/a.cc", "const OperatorRegistrar registrar(kSpec);\n"),
    (rules.self_registration, "operators/a.cc", "REGISTER_OPERATOR(Filter);\n"),
    (rules.self_registration, "operators/a.cc", "__attribute__((constructor)) void Register() {}\n"),
    (rules.hidden_tests, "base/a_test.cc", 'TEST_CASE("slow", "[.slow]") {}\n'),
    (rules.hidden_tests, "base/a_test.cc", 'TEST_CASE("broken", "[!mayfail]") {}\n'),
    (rules.careless_headers, "base/a.h", "int x;\n"),
    (rules.careless_headers, "base/a.h", "#pragma once\nusing namespace std;\n"),
    (rules.one_thing_of_a_name, "base/b.h", "#pragma once\nnamespace weir {\ninline constexpr int kTwice{2};\n}  // namespace weir\n"),
    (rules.one_thing_of_a_name, "base/b.cc", "namespace weir {\nclass Twice final : public Base {\n};\n}  // namespace weir\n"),
    (rules.warnings_allowed, "CMakeLists.txt", GOOD_CMAKE.replace("-Wshadow", "")),
    (rules.warnings_allowed, "CMakeLists.txt", GOOD_CMAKE + "add_compile_options(-Wno-shadow)\n"),
    (rules.warnings_allowed, "CMakeLists.txt", "add_compile_options(-Wall -Wextra -Wshadow)\n"),
    (rules.warnings_allowed, "dev", "#!/bin/sh\ncmake\n"),
]

KEPT = [
    ("base/c.cc", "namespace weir {\nnamespace {\nstruct Twice {\n};\n}  // namespace\n}  // namespace weir\n"),
    ("engine/a.cc", '#include "operators/operator.h"\n#include "connectors/connector.h"\n#include <vector>\n'),
    ("operators/a_test.cc", '#include "tests/catch.h"\n#include "operators/a.h"\n'),
    ("connectors/kafka/a.cc", "#include <librdkafka/rdkafka.h>\n"),
    ("state/a.cc", '#include <rocksdb/db.h>\n#include "proto/manifest.pb.h"\n'),
    ("daemon/rpc/a.cc", '#include <grpcpp/grpcpp.h>\n#include "proto/exchange.grpc.pb.h"\n'),
    ("daemon/rpc/a.h", '#pragma once\n#include "proto/exchange.pb.h"\n'),
    ("clients/a.cc", '#include <curl/curl.h>\n#include <pugixml.hpp>\n#include "config/values.h"\n'),
    ("base/a.cc", "// TO" "DO(once Debian 12 is gone): use std::format.\n" + "\n" * 600),
    ("docs/a.md", "state lies in /var/lib/weir; the root/ of a tree\n"),
    ("operators/all.cc", "void RegisterAll(Table& table);\nauto entry = table.Find(name);\n"),
]


@pytest.fixture
def house(tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(GOOD_CMAKE)
    (tmp_path / "dev").write_text(GOOD_DEV)
    put(tmp_path, "base/two.h", "#pragma once\nnamespace weir {\ninline constexpr int kTwice{1};\n}  // namespace weir\n")
    put(tmp_path, "base/twice.cc", "namespace weir {\nstruct Twice {\n  int x;\n};\n}  // namespace weir\n")
    return tmp_path


def put(house, name, text):
    path = house / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("rule, name, text", BROKEN, ids=[f"{r.__name__}-{i}" for i, (r, _, _) in enumerate(BROKEN)])
def test_a_broken_rule_is_found(house, rule, name, text):
    assert rule(house) == []
    put(house, name, text)
    assert rule(house), f"{rule.__name__} did not see {name}"


@pytest.mark.parametrize("name, text", KEPT, ids=[name for name, _ in KEPT])
def test_what_is_right_is_left_alone(house, name, text):
    put(house, name, text)
    assert [line for rule in rules.RULES for line in rule(house)] == []


def test_commit_messages_are_read(house):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=house,
                       check=True, capture_output=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "Read topics")
    assert rules.commit_messages(house) == []
    git("commit", "-q", "--allow-empty", "-m", "Read topics\n\nSee /wo" "rk/notes.")
    assert rules.commit_messages(house)


def test_every_rule_has_a_house_that_breaks_it():
    assert {r for r, _, _ in BROKEN} | {rules.commit_messages} == set(rules.RULES)
