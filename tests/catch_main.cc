// Compiled for Catch2 2 only, which wants its main() from one source; version 3 has it in a
// library.
#define CATCH_CONFIG_MAIN
#include "tests/catch.h"
