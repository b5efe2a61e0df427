#pragma once

// One door to Catch2: version 2 (Debian 12) is a single header, version 3 (Debian 13) is split.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
