#pragma once
// One door to Catch2: version 2 is a single header, version 3 is split.
#ifdef WEIR_CATCH2_V3
#include <catch2/catch_all.hpp>
using Catch::Approx;
#else
#include <catch2/catch.hpp>
#endif
