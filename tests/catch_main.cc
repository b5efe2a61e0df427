// Catch2 2 wants its main from one translation unit; Catch2 3 brings it in a library.
#ifndef WEIR_CATCH2_V3
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
