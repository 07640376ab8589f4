# Makefile: builds, tests and installs slotq. It finds sources by where they lie (a room is a
# folder), so a new file needs no line here. Output goes to build/ only; FLAVOUR=name (asan,
# tsan, clang, coverage, fuzz, powerpc, no-tls) builds a second tree in build/name; WERROR=1 takes
# no warning.
# How a check works is told in tools/checks, not here.

SHELL := /bin/sh
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
ifeq ($(MAKELEVEL)$(filter clean,$(MAKECMDGOALS)),0)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-print-directory -r

VERSION := $(shell sed -n 's/^\#define SLOTQ_VERSION_TEXT "\(.*\)"/\1/p' engine/slotq.h)
# While MAJOR is 0 a new MINOR may change the API: a program must not start with another one.
ABI_VERSION := $(patsubst 0,$(basename $(VERSION)),$(firstword $(subst ., ,$(VERSION))))
SONAME := libslotq.so.$(ABI_VERSION)
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib

# ---- flavours ----

FLAVOUR ?=
OUT := build$(addprefix /,$(FLAVOUR))
OPTIMIZE := -O2
# Test cases take longer to compile than to run; what they all stand on runs millions of times.
TEST_OPTIMIZE := -O0
SUPPORT_OPTIMIZE := -O1
COMPILE = -c -o $@ $<

ifeq ($(FLAVOUR),asan)
OPTIMIZE := -O1
EXTRA := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(FLAVOUR),tsan)
OPTIMIZE := -O1
# Its fences order writes to a disk, or into a mapping; threads that race take a lock besides.
EXTRA := -fsanitize=thread -Wno-tsan -fno-omit-frame-pointer
else ifeq ($(FLAVOUR),clang)
CC := clang
CXX := clang++
# Nothing of it is run or linked: it is there for the warnings, which need no code.
OPTIMIZE := -O0
SUPPORT_OPTIMIZE := -O0
COMPILE = -fsyntax-only -MF $(@:.o=.d) -MT $@ $< && : >$@
else ifeq ($(FLAVOUR),coverage)
OPTIMIZE := -O0
COVER := --coverage -fno-inline -DSLOTQ_NO_ASSERT
LINK_EXTRA := --coverage
else ifeq ($(FLAVOUR),fuzz)
CC := clang
CXX := clang++
EXTRA := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LINK_EXTRA := -fsanitize=fuzzer
else ifeq ($(FLAVOUR),powerpc)
CC := powerpc-linux-gnu-gcc
CXX := powerpc-linux-gnu-g++
# xxhash.h and catch.hpp are headers alone, so the build machine's do.
EXTRA := -idirafter /usr/include
LINK_EXTRA := -static
else ifeq ($(FLAVOUR),no-tls)
TLS := 0
else ifneq ($(FLAVOUR),)
$(error no such flavour: $(FLAVOUR))
endif
WERROR ?=

WARNINGS := -Wall -Wextra -Wconversion -Wshadow
C_ONLY := -Wstrict-prototypes -Wvla -Werror=implicit-function-declaration
CFLAGS ?= -g1
CXXFLAGS ?= -g1
C_FLAGS = -std=c11 $(OPTIMIZE) $(WARNINGS) $(C_ONLY) -fPIC -fvisibility=hidden -pthread \
	$(if $(WERROR),-Werror) $(EXTRA) $(CFLAGS)
CXX_FLAGS = -std=c++17 $(TEST_OPTIMIZE) -Wall -Wextra -Wshadow -pthread $(if $(WERROR),-Werror) \
	$(EXTRA) $(CXXFLAGS)
CPP_FLAGS = $(CPPFLAGS) -MMD -MP
LINK_FLAGS = -pthread $(EXTRA) $(LINK_EXTRA) $(LDFLAGS)

# layout and core may not lean on a system. gcc can be told so and still know memcpy; clang
# cannot, and is told only by the amalgamation's check.
IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null))
FREESTANDING := $(if $(IS_CLANG),,-ffreestanding -fbuiltin)
HOSTED := -D_GNU_SOURCE=

# TLS=0 builds without OpenSSL; URLs of rediss:// are then refused.
TLS ?= 1
TLS_LIBS := $(if $(filter 0,$(TLS)),,$(or $(shell pkg-config --libs libssl libcrypto 2>/dev/null),\
	-lssl -lcrypto))
REDIS_LIBS := -lhiredis $(TLS_LIBS)
# NCURSES=0 builds without ncurses, as does a machine without it; slotq top then says so.
NCURSES ?= $(if $(shell pkg-config --exists ncursesw 2>/dev/null && echo 1),1,0)
SCREEN_LIBS := $(if $(filter 0,$(NCURSES)),,$(shell pkg-config --libs ncursesw))

# ---- what there is ----

# What lies in rooms, however deep.
sources_of = $(sort $(shell find $(1) -name '*.c'))
FREE_SOURCES := $(call sources_of,engine/layout engine/core)
# libslotq_redis is libslotq and these; which kinds of URL there are is told by either schemes.c.
REDIS_ROOMS := engine/backend/redis engine/queue/redis
REDIS_SOURCES := $(filter-out $(if $(filter 0,$(TLS)),engine/backend/redis/wire/tls%,\
	%/no_tls.c),$(call sources_of,$(REDIS_ROOMS)))
HOST_SOURCES := $(filter-out $(REDIS_ROOMS:%=%/%),$(call sources_of,engine/backend engine/queue))
WORKER_SOURCES := $(call sources_of,engine/worker)
MODULE_SOURCES := $(call sources_of,engine/module)
LUA_SOURCES := $(wildcard lua/*.lua)
TOOL_SOURCES := $(filter-out $(if $(filter 0,$(NCURSES)),tools/slotq/figures/% \
	$(filter-out %/absent.c,$(call sources_of,tools/slotq/watch)),%/watch/absent.c),\
	$(call sources_of,tools/slotq))
# An example is a source, or a folder with a source of its name. Other sources of such a folder are
# parts of that example; those of folders without one are shared by all examples.
EXAMPLE_SOURCES := $(wildcard tools/examples/*.c) \
	$(foreach one,$(wildcard tools/examples/*/.),$(wildcard $(one:.=)$(notdir $(one:/.=)).c))
EXAMPLE_PARTS := $(filter-out $(EXAMPLE_SOURCES),$(wildcard tools/examples/*/*.c))
parts_of = $(if $(filter tools/examples/,$(dir $(1))),,$(filter $(dir $(1))%,$(EXAMPLE_PARTS)))
EXAMPLE_SHARED := $(filter-out $(foreach one,$(EXAMPLE_SOURCES),$(call parts_of,$(one))),\
	$(EXAMPLE_PARTS))
BENCH_SOURCES := $(call sources_of,bench)
BENCH_MAINS := $(foreach main,$(BENCH_SOURCES),$(if $(filter bench_%,$(notdir $(main))),$(main)))
# Peers whose clients are not here are left out, and the bench says so.
hash := \#
have = $(shell echo '$(hash)include <$(1)>' | $(CC) -E -x c - >/dev/null 2>&1 && echo $(2))
BENCH_LIBS = $(REDIS_LIBS) -ljansson $(call have,sqlite3.h,-lsqlite3)
# Tests of layout and core need the rooms image and model, on any machine; the rest needs Linux.
WITH_TLS := $(if $(filter 0,$(TLS)),$(shell find tests -name '*tls*.cpp'))
SUPPORT_SOURCES := $(filter-out tests/support/main.cpp $(WITH_TLS),\
	$(sort $(shell find tests/support -name '*.cpp')))
CORE_SUPPORT := $(filter tests/support/image/% tests/support/model/%,$(SUPPORT_SOURCES))
FUZZ_TARGETS := $(wildcard fuzz/fuzz_*.c fuzz/fuzz_*.cpp)
FUZZ_SHARED := $(filter-out $(FUZZ_TARGETS) fuzz/replay.c fuzz/make_seeds.c,\
	$(wildcard fuzz/*.c fuzz/*.cpp))
TEST_SOURCES := $(sort $(filter-out tests/support/% $(WITH_TLS),\
	$(shell find tests -name '*.cpp' 2>/dev/null)))
SEARCHES := $(wildcard tests/engine/core/test_closure*.cpp tests/protocol/*.cpp tests/shards/*.cpp)
TEST_SCRIPTS := $(sort $(shell find tests -name 'test_*.sh' 2>/dev/null))
TEST_ROOMS := $(sort $(patsubst tests/%/,%,$(dir $(TEST_SOURCES))))
CORE_ROOMS := $(filter engine/layout engine/core,$(TEST_ROOMS))
MAN_SOURCES := $(wildcard tools/man/*.scd)

objects = $(patsubst %,$(OUT)/obj/%.o,$(basename $(1)))
named = $(notdir $(basename $(1)))

# A room's binary lies beside those of other rooms: engine/backend/file has engine/backend-file.
house = $(firstword $(subst /, ,$(1)))
within = $(subst /,-,$(patsubst $(call house,$(1))/%,%,$(1)))
binary_of = $(OUT)/tests/$(if $(findstring /,$(1)),$(call house,$(1))/)$(call within,$(1))
TEST_BINARIES := $(foreach room,$(TEST_ROOMS),$(call binary_of,$(room)))
REPLAYS := $(patsubst %,$(OUT)/replay/%,$(call named,$(FUZZ_TARGETS)))
FUZZERS := $(patsubst %,$(OUT)/fuzz/%,$(call named,$(FUZZ_TARGETS)))
BENCHES := $(patsubst %,$(OUT)/bench/%,$(call named,$(BENCH_MAINS)))
# Beside the program that runs them and the packages that they need.
BENCH_SCRIPTS := $(patsubst bench/peers/%,$(OUT)/bench/%,$(wildcard bench/peers/node/*.js))
AMALGAMATION := build/amalgamation/slotq_core.c
EXAMPLES := $(patsubst %,$(OUT)/examples/%,$(call named,$(EXAMPLE_SOURCES)))
SEED_MAKER := $(patsubst fuzz/%.c,$(OUT)/fuzz/%,$(wildcard fuzz/make_seeds.c))
MAN_PAGES := $(if $(shell command -v scdoc),$(MAN_SOURCES:tools/man/%.scd=$(OUT)/man/%))
COMMAND := $(if $(TOOL_SOURCES),$(OUT)/bin/slotq)
COMPLETION := $(if $(TOOL_SOURCES),$(patsubst %,$(OUT)/share/slotq.%,bash zsh fish))
LIBRARY := $(OUT)/lib/libslotq.a
SHARED := $(OUT)/lib/libslotq.so.$(VERSION)
REDIS_LIBRARY := $(OUT)/lib/libslotq_redis.a
ROOMS := $(OUT)/lib/rooms.a
REDIS_SHARED := $(OUT)/lib/libslotq_redis.so.$(VERSION)
REDIS_SONAME := libslotq_redis.so.$(ABI_VERSION)
WORKER_LIBRARY := $(OUT)/lib/libslotq_worker.a
WORKER_SHARED := $(OUT)/lib/libslotq_worker.so.$(VERSION)
WORKER_SONAME := libslotq_worker.so.$(ABI_VERSION)
MODULE := $(OUT)/slotq.so
PKG_CONFIG := $(OUT)/lib/slotq.pc $(OUT)/lib/slotq_redis.pc $(OUT)/lib/slotq_worker.pc
CMAKE_CONFIG := $(OUT)/lib/slotq-config.cmake $(OUT)/lib/slotq-config-version.cmake
LUA := $(if $(LUA_SOURCES),build/lua/manifest.json)

# ---- how it is made ----

V ?=
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2);)

# A list in a file that changes only when the list does: what depends on it is made again when
# a source comes, goes, or is compiled otherwise.
stamp = @mkdir -p $(dir $(1)); printf '%s\n' '$(subst ','\'',$(2))' | cmp -s - $(1) || \
	printf '%s\n' '$(subst ','\'',$(2))' > $(1)
C_STAMP := $(OUT)/stamps/c
PEERS_STAMP := $(OUT)/stamps/peers
CXX_STAMP := $(OUT)/stamps/cxx
LIST_STAMP := $(OUT)/stamps/sources
.PHONY: FORCE
FORCE:
$(C_STAMP): FORCE
	$(call stamp,$@,$(CC) $(C_FLAGS) $(CPP_FLAGS) $(COVER) $(FREESTANDING) $(LINK_FLAGS))
# Sources look for the headers of peers themselves: a library that came since is another case.
$(PEERS_STAMP): FORCE
	$(call stamp,$@,$(BENCH_LIBS))
$(call objects,$(BENCH_SOURCES)): $(PEERS_STAMP)
$(CXX_STAMP): FORCE
	$(call stamp,$@,$(CXX) $(CXX_FLAGS) $(CPP_FLAGS) $(LINK_FLAGS))
$(LIST_STAMP): FORCE
	$(call stamp,$@,$(FREE_SOURCES) $(HOST_SOURCES) $(REDIS_SOURCES) $(TOOL_SOURCES) \
		$(WORKER_SOURCES) $(MODULE_SOURCES) $(EXAMPLE_PARTS) $(SUPPORT_SOURCES) \
		$(FUZZ_SHARED) $(BENCH_SOURCES) $(TEST_SOURCES))

$(OUT)/obj/engine/layout/%.o $(OUT)/obj/engine/core/%.o: ROOM = \
	$(FREESTANDING) $(COVER) -Wmissing-prototypes
$(patsubst %,$(OUT)/obj/engine/%/%.o,backend queue module worker): ROOM = \
	$(HOSTED) -Wmissing-prototypes -Ibuild/gen
$(call objects,$(AMALGAMATION)): ROOM = $(FREESTANDING) -Os
$(OUT)/obj/tools/%.o $(OUT)/obj/bench/%.o: ROOM = $(HOSTED) -Iengine -Ibuild/gen
$(OUT)/obj/tests/%.o: ROOM = $(if $(filter %.c,$<),$(HOSTED)) -Iengine -Itests/support -I.
# Only these know where the tree lies, so that a compiler cache can serve the others in any tree.
$(call objects,$(shell grep -rl SLOTQ_SOURCE_DIR tests --include='*.cpp')): private CPPFLAGS += \
	-DSLOTQ_SOURCE_DIR='"$(CURDIR)"'
$(OUT)/obj/fuzz/%.o: ROOM = $(if $(filter %.c,$<),$(HOSTED)) -Iengine -Itests/support -I. -Ifuzz
$(OUT)/obj/tests/support/%.o: TEST_OPTIMIZE = $(SUPPORT_OPTIMIZE)
$(OUT)/obj/tests/support/main.o: TEST_OPTIMIZE := -O0
# It is Catch2 and hardly more, and compiles as long as twenty suites: what can be linked with the
# plain one takes that.
TEST_MAIN := $(if $(filter asan tsan coverage,$(FLAVOUR)),build,$(OUT))/obj/tests/support/main.o
ifneq ($(TEST_MAIN),$(OUT)/obj/tests/support/main.o)
$(TEST_MAIN): FORCE
	@$(MAKE) FLAVOUR= $@
endif
# These search millions of states by themselves.
$(call objects,$(SEARCHES)): TEST_OPTIMIZE = $(SUPPORT_OPTIMIZE)

# gcc reads Catch2's header once for all tests. A compiler cache could not serve what was made
# so; and clang sees each file alone, so that none forgets an include.
is_cached = $(if $(CCACHE_DISABLE),,$(findstring ccache,$(CXX) $(shell \
	readlink -f "$$(command -v $(firstword $(CXX)))")))
READ_ONCE := $(if $(IS_CLANG)$(findstring clang,$(CXX))$(is_cached),,$(OUT)/obj/read-once/catch.hpp)
ifneq ($(READ_ONCE),)
$(READ_ONCE).gch: tests/support/catch.hpp $(CXX_STAMP)
	@mkdir -p $(@D); echo '#include "tests/support/catch.hpp"' > $(READ_ONCE)
	$(call say,CXX,$<)$(CXX) $(CXX_FLAGS) $(CPP_FLAGS) -I. -x c++-header -o $@ $(READ_ONCE)
$(call objects,$(TEST_SOURCES)): $(READ_ONCE).gch
$(call objects,$(TEST_SOURCES)): private CXX_FLAGS += -include $(READ_ONCE)
endif

$(OUT)/obj/%.o: %.c $(C_STAMP)
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(C_FLAGS) $(CPP_FLAGS) $(ROOM) $(COMPILE)
$(OUT)/obj/%.o: %.cpp $(CXX_STAMP)
	@mkdir -p $(@D)
	$(call say,CXX,$<)$(CXX) $(CXX_FLAGS) $(CPP_FLAGS) $(ROOM) $(COMPILE)

# ---- the core in one source, and scripts for Redis: made once, whatever the flavour ----

HOST_CC ?= $(if $(filter powerpc,$(FLAVOUR)),cc,$(CC))
CORE_PIECES := $(FREE_SOURCES) $(wildcard $(addprefix engine/,layout/*.h layout/*.def \
	layout/fields/*.def core/*.h core/*.def *.def slotq_core.h slotq_types.h))
$(AMALGAMATION): $(CORE_PIECES) $(wildcard tools/checks/amalgamation.*) tools/checks/xxh32.awk
	$(call say,CORE,$@)CC='$(HOST_CC)' sh tools/checks/amalgamation.sh $(@D) >/dev/null
build/gen/lua_constants: tools/generate/lua_constants.c engine/layout/fields.def \
		$(wildcard engine/layout/fields/*.def) \
		engine/layout/fields.h engine/layout/word.h engine/core/frame.h engine/slotq_types.h \
		engine/errors.def engine/verbs.def
	@mkdir -p $(@D)
	$(call say,CC,$<)$(HOST_CC) -std=c11 $(WARNINGS) -Iengine -o $@ $<
build/gen/lua_constants.txt: build/gen/lua_constants
	@$< > $@
build/lua/manifest.json: $(LUA_SOURCES) build/gen/lua_constants.txt tools/generate/bundle.awk \
		tools/generate/lua.sh
	$(call say,LUA,$@)sh tools/generate/lua.sh build/gen/lua_constants.txt build
$(addprefix build/gen/,redis_scripts.h redis_script_names.h script_heads.h): \
	build/lua/manifest.json ;
$(call objects,$(REDIS_SOURCES) $(TOOL_SOURCES) $(MODULE_SOURCES)): | build/gen/redis_scripts.h

archive = @mkdir -p $(@D); rm -f $@; ar rcs $@ $(filter %.o,$^)
# What is installed is one object whose hidden symbols are local, so that a program may use the
# names that rooms use inside. Tests and the command link the rooms themselves.
OBJCOPY ?= objcopy
closed = @mkdir -p $(@D); rm -f $@; $(CC) -r -nostdlib -o $(@:.a=.o) $(filter %.o,$^) && \
	$(OBJCOPY) --localize-hidden $(@:.a=.o) && ar rcs $@ $(@:.a=.o)
LIBRARY_OBJECTS := $(call objects,$(FREE_SOURCES) $(HOST_SOURCES))
REDIS_OBJECTS := $(filter-out $(OUT)/obj/engine/queue/schemes.o,$(LIBRARY_OBJECTS)) \
	$(call objects,$(REDIS_SOURCES))
$(LIBRARY): $(LIBRARY_OBJECTS) $(LIST_STAMP)
	$(closed)
$(REDIS_LIBRARY): $(REDIS_OBJECTS) $(LIST_STAMP)
	$(closed)
WORKER_OBJECTS := $(call objects,$(WORKER_SOURCES))
$(WORKER_LIBRARY): $(WORKER_OBJECTS) $(LIST_STAMP)
	$(closed)
$(ROOMS): $(WORKER_OBJECTS) $(REDIS_OBJECTS) $(LIST_STAMP)
	$(archive)
$(OUT)/lib/core.a: $(call objects,$(FREE_SOURCES)) $(LIST_STAMP)
	$(archive)
$(OUT)/lib/support.a: $(call objects,$(SUPPORT_SOURCES)) $(LIST_STAMP)
	$(archive)
$(OUT)/lib/core-support.a: $(call objects,$(CORE_SUPPORT)) $(LIST_STAMP)
	$(archive)
$(OUT)/lib/tool.a: $(call objects,$(filter-out %/main.c,$(TOOL_SOURCES))) $(LIST_STAMP)
	$(archive)
$(OUT)/lib/fuzz.a: $(call objects,$(FUZZ_SHARED)) $(LIST_STAMP)
	$(archive)
$(OUT)/lib/bench.a: $(call objects,$(filter-out $(BENCH_MAINS),$(BENCH_SOURCES))) $(LIST_STAMP)
	$(archive)

$(SHARED): $(LIBRARY_OBJECTS) $(LIST_STAMP)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) -shared -Wl,-soname,$(SONAME) -o $@ $(filter %.o,$^) $(LINK_FLAGS)
	@ln -sf $(notdir $@) $(@D)/$(SONAME); ln -sf $(notdir $@) $(@D)/libslotq.so
$(REDIS_SHARED): $(REDIS_OBJECTS) $(LIST_STAMP)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) -shared -Wl,-soname,$(REDIS_SONAME) -o $@ $(filter %.o,$^) \
		$(LINK_FLAGS) $(REDIS_LIBS)
	@ln -sf $(notdir $@) $(@D)/$(REDIS_SONAME); ln -sf $(notdir $@) $(@D)/libslotq_redis.so
# It uses the library that the program links, of the two.
$(WORKER_SHARED): $(WORKER_OBJECTS) $(LIST_STAMP)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) -shared -Wl,-soname,$(WORKER_SONAME) -o $@ $(filter %.o,$^) \
		$(LINK_FLAGS)
	@ln -sf $(notdir $@) $(@D)/$(WORKER_SONAME); ln -sf $(notdir $@) $(@D)/libslotq_worker.so
# It has the core inside; the server sees how it is loaded and unloaded, and no more.
$(MODULE): $(call objects,$(MODULE_SOURCES) $(FREE_SOURCES)) $(LIST_STAMP)
	$(call say,LINK,$@)$(CC) -shared $(if $(EXTRA),,-Wl,-z,defs) -o $@ $(filter %.o,$^) $(LINK_FLAGS)
$(PKG_CONFIG) $(CMAKE_CONFIG): $(OUT)/lib/%: tools/package/%.in engine/slotq.h Makefile FORCE
	@mkdir -p $(@D); sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@TLS_LIBS@|$(TLS_LIBS)|' $< > $@

$(OUT)/bin/slotq: $(call objects,$(TOOL_SOURCES)) $(ROOMS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(CC) -o $@ $(filter %.o %.a,$^) $(LINK_FLAGS) $(LISTENS) $(REDIS_LIBS) \
		$(SCREEN_LIBS) -ljansson -lm
define example
$(OUT)/examples/$(call named,$(1)): $(call objects,$(1) $(call parts_of,$(1)) $(EXAMPLE_SHARED)) \
		$(WORKER_LIBRARY) $(REDIS_LIBRARY)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)$(CC) -o $$@ $$(filter %.o %.a,$$^) $(LINK_FLAGS) $(REDIS_LIBS)
endef
$(foreach source,$(EXAMPLE_SOURCES),$(eval $(call example,$(source))))
# It has the core alone, from the one source that a device builds.
$(OUT)/examples/device: $(call objects,$(AMALGAMATION))
define bench_binary
$(OUT)/bench/$(call named,$(1)): $(call objects,$(1)) $(OUT)/lib/bench.a $(ROOMS)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)$(CC) -o $$@ $$(filter %.o %.a,$$^) $(LINK_FLAGS) $(BENCH_LIBS) -lm
endef
$(foreach main,$(BENCH_MAINS),$(eval $(call bench_binary,$(main))))
$(OUT)/bench/node/%: bench/peers/node/%
	@mkdir -p $(@D); cp $< $@
$(OUT)/share/slotq.%: $(OUT)/bin/slotq
	@mkdir -p $(@D); $< completion $* > $@
$(OUT)/man/%: tools/man/%.scd
	@mkdir -p $(@D); scdoc < $< > $@

# A test binary a room. wrap.txt in a room names functions that its tests stand in for.
wraps = $(patsubst %,-Wl$(comma)--wrap=%,$(shell sed 's/\#.*//' tests/$(1)/wrap.txt 2>/dev/null))
comma := ,
# libslotq_worker calls these where the program has them: ask for them, as for libslotq_redis.
LISTENS := -Wl,-u,slotq_redis_listen -Wl,-u,slotq_redis_unlisten
ALL_LIBRARIES := $(OUT)/lib/support.a $(OUT)/lib/tool.a $(ROOMS)
libraries = $(if $(filter engine/layout engine/core,$(1)),$(OUT)/lib/core-support.a \
	$(OUT)/lib/core.a,$(ALL_LIBRARIES))
define test_binary
$(call binary_of,$(1)): $(call objects,$(filter-out $(foreach room,$(TEST_ROOMS),$(if $(filter \
	$(1)/%,$(room)),tests/$(room)/%)),$(filter tests/$(1)/%,$(TEST_SOURCES)))) \
	$(TEST_MAIN) $(call libraries,$(1)) $(wildcard tests/$(1)/wrap.txt)
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)$(CXX) -o $$@ $$(filter %.o,$$^) -Wl,--start-group \
		$$(filter %.a,$$^) -Wl,--end-group $(call wraps,$(1)) $(LINK_FLAGS) \
		$(if $(filter-out $(CORE_ROOMS),$(1)),$(LISTENS) $(REDIS_LIBS) $(SCREEN_LIBS) -ljansson)
endef
$(foreach room,$(TEST_ROOMS),$(eval $(call test_binary,$(room))))

FUZZ_LIBRARIES := $(OUT)/lib/fuzz.a $(ALL_LIBRARIES)
link_fuzz = $(call say,LINK,$@)$(CXX) -o $@ $(filter %.o,$^) -Wl,--start-group \
	$(filter %.a,$^) -Wl,--end-group $(LINK_FLAGS) $(REDIS_LIBS)
$(OUT)/replay/%: $(OUT)/obj/fuzz/%.o $(OUT)/obj/fuzz/replay.o $(FUZZ_LIBRARIES)
	@mkdir -p $(@D)
	$(link_fuzz)
$(OUT)/fuzz/%: $(OUT)/obj/fuzz/%.o $(FUZZ_LIBRARIES)
	@mkdir -p $(@D)
	$(link_fuzz)

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)

# ---- what can be asked for ----

.PHONY: help all man demo examples lua module test prove torture asan fuzz
.PHONY: bench bench-quick bench-all bench-publish
.PHONY: tidy tables format coverage
.PHONY: amalgamation clean built tests-built objects-built suites benches-built
.PHONY: fuzzers-built endian-built endian-suites seeds bench-packages

help: ## what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

all: ## the libraries, the command, man pages (the default)
	@sh tools/checks/need.sh --look build
	@$(MAKE) built
built: $(LIBRARY) $(SHARED) $(REDIS_LIBRARY) $(REDIS_SHARED) $(WORKER_LIBRARY) $(WORKER_SHARED) \
	$(PKG_CONFIG) $(CMAKE_CONFIG) $(LUA) $(COMMAND) $(COMPLETION) $(EXAMPLES) man

NO_MAN := no man pages were made: scdoc is missing (Debian: apt-get install scdoc)
man: $(MAN_PAGES) ## the man pages, by scdoc
	@$(if $(MAN_PAGES),:,echo '$(NO_MAN)')

demo: ## five thousand real files through four workers, one of them killed (REDIS=1: in Redis)
	@sh tools/checks/need.sh $(if $(REDIS),demo-redis,demo)
	@$(MAKE) built
	@REDIS=$(REDIS) bash tools/examples/demo.sh $(CURDIR)/$(OUT)/bin/slotq

examples: $(EXAMPLES) ## the programs of tools/examples, in build/examples
lua: $(LUA) ## the scripts for Redis, bundled, in build/lua
module: $(MODULE) ## the module for Redis, build/slotq.so
test: ## every suite; the last line is the sum
	@sh tools/checks/need.sh test
	@$(MAKE) tests-built
	@$(MAKE) suites
tests-built: built $(if $(FLAVOUR),,$(MODULE)) $(TEST_BINARIES) $(REPLAYS) $(SEED_MAKER)
# Every source compiled and nothing linked, for a compiler's warnings.
objects-built: $(call objects,$(FREE_SOURCES) $(HOST_SOURCES) $(REDIS_SOURCES) $(TOOL_SOURCES) \
	$(WORKER_SOURCES) $(MODULE_SOURCES) $(EXAMPLE_SOURCES) $(EXAMPLE_PARTS) $(BENCH_SOURCES) \
	$(SUPPORT_SOURCES) tests/support/main.cpp \
	$(TEST_SOURCES) $(FUZZ_TARGETS) $(FUZZ_SHARED) fuzz/replay.c fuzz/make_seeds.c)
# Scripts that run nothing of what is made here say the same in every flavour.
FOREIGN_SCRIPTS := $(filter tests/lua/% tests/bench/% tests/tools/checks/% \
	tests/tools/test_man.sh tests/tools/test_client_%,$(TEST_SCRIPTS))
# The longest begin first, so that none of them is left to run alone at the end.
LONGEST := $(foreach room,engine/worker lua engine/core engine/backend/file,\
	$(call binary_of,$(room)))
SUITES ?= $(LONGEST) $(filter-out $(LONGEST),$(TEST_BINARIES)) \
	$(filter-out $(if $(FLAVOUR),$(FOREIGN_SCRIPTS)),$(TEST_SCRIPTS)) $(REPLAYS)
suites:
	@OUT=$(OUT) JOBS=$(JOBS) CC='$(CC)' CXX='$(CXX)' sh tools/checks/suites.sh $(SUITES)

prove: ## all checks: sanitizers, tidy, coverage, fuzzing, big-endian (SECONDS=30)
	@MAKE='$(MAKE)' SECONDS_EACH=$(or $(SECONDS),30) sh tools/checks/prove.sh $(ONLY)

MINUTES ?= 10
torture: ## the rows of the proof for MINUTES=10; goes on where it ended (ROWS=a,b SEED=n PROOF=1)
	@sh tools/checks/need.sh test
	@$(MAKE) tests-built
	@! command -v clang >/dev/null || { sh tools/checks/need.sh fuzz && \
		$(MAKE) FLAVOUR=fuzz fuzzers-built; }
	@OUT=$(OUT) JOBS=$(JOBS) CC='$(HOST_CC)' CXX='$(CXX)' python3 tools/checks/torture.py \
		$(MINUTES) --only '$(ROWS)' $(SEED:%=--seed %) $(if $(PROOF),--proof tests/PROOF.md)

asan: ## the suites under address and undefined-behaviour sanitizers
	@sh tools/checks/need.sh test
	@$(MAKE) FLAVOUR=asan tests-built
	@$(MAKE) FLAVOUR=asan suites

fuzz: ## libFuzzer on each target for SECONDS=60, two at a time
	@sh tools/checks/need.sh fuzz
	@$(MAKE) FLAVOUR=fuzz fuzzers-built
	@OUT=build/fuzz SECONDS_EACH=$(or $(SECONDS),60) sh tools/checks/fuzz.sh \
		$(patsubst %,build/fuzz/fuzz/%,$(call named,$(FUZZ_TARGETS)))
fuzzers-built: $(FUZZERS)
seeds: $(SEED_MAKER) ## write fuzz/seeds anew
	$(SEED_MAKER) fuzz/seeds

# What is tried on the other byte order, with FLAVOUR=powerpc.
endian-built: $(CORE_ROOMS:%=$(OUT)/tests/%)
endian-suites:
	@$(MAKE) SUITES='$(CORE_ROOMS:%=$(OUT)/tests/%)' suites

define run_bench
	@sh tools/checks/need.sh bench
	+@$(MAKE) built benches-built bench-packages
	+@$(MAKE) amalgamation
	@OUT=$(OUT) CC='$(CC)' bash bench/run.sh $(1) $(ONLY)
endef
bench: ## slotq beside its peers, measured here in ten minutes (ONLY='core redis peers')
	$(call run_bench,)
bench-quick: ## the same tables of the peers in one minute
	$(call run_bench,--quick)
bench-all: ## the whole matrix, an hour or two; goes on where it was interrupted
	$(call run_bench,--all)
bench-publish: ## the newest report to bench/results, its table and plot to the README
	@OUT=$(OUT) sh bench/report/publish.sh $(FROM)
benches-built: $(BENCHES) $(BENCH_SCRIPTS) $(if $(FLAVOUR),,$(MODULE))
bench-packages: $(BENCH_SCRIPTS)
	@sh bench/peers/node/install.sh $(OUT)/bench/node

tidy: ## style, include direction, generated tables
	@sh tools/checks/tidy.sh
	@CC='$(HOST_CC)' sh tools/checks/tables.sh --check
tables: ## write the generated tables into the documents
	@CC='$(HOST_CC)' sh tools/checks/tables.sh
format: ## clang-format over every C and C++ file
	@find engine tools tests fuzz bench -name '*.[ch]' -o -name '*.[ch]pp' | \
		xargs clang-format -i
coverage: ## lines and branches of layout and core, all of them
	@sh tools/checks/need.sh coverage
	@$(MAKE) FLAVOUR=coverage $(CORE_ROOMS:%=build/coverage/tests/%)
	@OUT=build/coverage sh tools/checks/coverage.sh $(CORE_ROOMS:%=build/coverage/tests/%)
amalgamation: ## the core as one source and one header, in build/amalgamation
	@sh tools/checks/need.sh --look build
	@CC='$(CC)' sh tools/checks/amalgamation.sh build/amalgamation

include tools/package/package.mk

clean: ## remove build/
	rm -rf build
