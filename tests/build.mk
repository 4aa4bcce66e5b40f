# Programs that tests use, beside the unit tests.

# Rows of test tables leave out what is 0.
$(BUILD)/tests/%.o: WARN += -Wno-missing-field-initializers

# --- tests/tools/X.c: an engine without I/O and a main() each ---------------------------------------------------------

TEST_TOOLS := $(patsubst tests/tools/%.c,$(BUILD)/tests/tools/%,$(sort $(wildcard tests/tools/*.c)))

$(BUILD)/tests/tools/%: $(BUILD)/tests/tools/%.o $(BUILD)/router/engine.o $(foreach r,$(ROOMS_helpers),$(BUILD)/lib$(r).a)
	$(CC) $(CFLAGS) -o $@ $< $(BUILD)/router/engine.o \
		-Wl,--start-group $(foreach r,$(ROOMS_helpers),$(BUILD)/lib$(r).a) -Wl,--end-group

test-tools: $(TEST_TOOLS) ## builds the programs in tests/tools
.PHONY: test-tools
