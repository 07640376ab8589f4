# package.mk: what make puts outside build/: install and its opposite, an archive, packages.
.PHONY: install uninstall dist deb deb-symbols abi abi-compare

PUBLIC_HEADERS := $(wildcard engine/slotq*.h)
DEST = $(DESTDIR)$(PREFIX)
ZSH_FUNCTIONS ?= zsh/site-functions
COMPLETIONS = bash-completion/completions/slotq $(ZSH_FUNCTIONS)/_slotq \
	fish/vendor_completions.d/slotq.fish
LIBDEST = $(DESTDIR)$(LIBDIR)
install: all ## into PREFIX=/usr/local (DESTDIR= for packages)
	install -d $(DEST)/include/slotq $(LIBDEST)/pkgconfig $(DEST)/bin
	install -m 644 $(PUBLIC_HEADERS) engine/errors.def engine/verbs.def $(DEST)/include/slotq
	install -m 644 $(LIBRARY) $(REDIS_LIBRARY) $(WORKER_LIBRARY) $(LIBDEST)
	install -m 755 $(SHARED) $(REDIS_SHARED) $(WORKER_SHARED) $(LIBDEST)
	$(foreach so,$(SHARED) $(REDIS_SHARED) $(WORKER_SHARED),$(foreach name,$(so:.$(VERSION)=) \
		$(so:.$(VERSION)=.$(ABI_VERSION)),ln -sf $(notdir $(so)) $(LIBDEST)/$(notdir $(name)) \
		&&)) true
	install -d $(DEST)/share/slotq/lua/plain $(DEST)/share/slotq/lua/redis7
	install -m 644 build/lua/manifest.json build/lua/slotq.functions.lua $(DEST)/share/slotq/lua
	install -d $(DEST)/share/slotq/monitoring
	install -m 644 tools/package/monitoring/* $(DEST)/share/slotq/monitoring
	install -m 644 build/lua/plain/*.lua $(DEST)/share/slotq/lua/plain
	install -m 644 build/lua/redis7/*.lua $(DEST)/share/slotq/lua/redis7
	install -m 644 $(PKG_CONFIG) $(LIBDEST)/pkgconfig
	install -d $(LIBDEST)/cmake/slotq
	install -m 644 $(CMAKE_CONFIG) $(LIBDEST)/cmake/slotq
	$(if $(COMMAND),install -m 755 $(COMMAND) $(DEST)/bin)
	$(if $(COMMAND),$(foreach one,$(COMPLETIONS),install -D -m 644 \
		$(OUT)/share/slotq.$(firstword $(subst -, ,$(subst /, ,$(one)))) \
		$(DEST)/share/$(one) &&) true)
	$(foreach page,$(MAN_PAGES),install -d $(DEST)/share/man/man$(lastword $(subst ., \
		,$(page))) && install -m 644 $(page) $(DEST)/share/man/man$(lastword \
		$(subst ., ,$(page)))/$(notdir $(page)) &&) true
	@$(if $(MAN_PAGES),:,echo '$(NO_MAN)')

uninstall: ## what install put there
	rm -rf $(DEST)/include/slotq $(DEST)/share/slotq $(LIBDEST)/cmake/slotq
	rm -f $(foreach one,slotq slotq_redis slotq_worker,$(LIBDEST)/lib$(one).a \
		$(LIBDEST)/lib$(one).so* $(LIBDEST)/pkgconfig/$(one).pc) $(DEST)/bin/slotq \
		$(COMPLETIONS:%=$(DEST)/share/%)
	rm -f $(foreach page,$(MAN_SOURCES:tools/man/%.scd=%),$(DEST)/share/man/man$(lastword \
		$(subst ., ,$(page)))/$(page))

PACKAGED = sh tools/package/package.sh
dist: ## the source of HEAD as one archive, in build/package
	@$(PACKAGED) dist build/package $(VERSION)
deb: ## packages for Debian, in build/package
	@$(PACKAGED) deb build/package $(VERSION)
deb-symbols: built ## write the lists of public symbols that `make deb` holds the libraries to
	@$(PACKAGED) symbols build/lib $(VERSION)
# With all debug information, which is where types stand.
ABI_LIBRARIES := $(patsubst %,build/abi/lib/lib%.so.$(VERSION),slotq_redis slotq_worker)
abi: ## write the list of what linked programs rely on
	@$(MAKE) OUT=build/abi CFLAGS=-g $(ABI_LIBRARIES)
	@sh tools/package/abi.sh write build/abi/lib $(VERSION)
abi-compare:
	@$(MAKE) OUT=build/abi CFLAGS=-g $(ABI_LIBRARIES)
	@sh tools/package/abi.sh compare build/abi/lib $(VERSION)
