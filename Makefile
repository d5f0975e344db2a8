# The README explains make demo, make test and make docs, and CONTRIBUTING make check. All create the environment .venv first if it is
# missing.

PYTHON ?= python3
BIN := .venv/bin
MINUTES ?= 5
DEMO := runs/demo

.PHONY: demo check quick test tests lint docs release clean

demo: $(BIN)/.installed
	$(BIN)/nevoa train --minutes $(MINUTES) --out $(DEMO)
	$(BIN)/nevoa sample $(DEMO) --out $(DEMO)/clothes.png --force
	$(BIN)/nevoa sample $(DEMO) --sampler ddpm --steps 100 --out $(DEMO)/clothes.gif --force
	@echo
	@echo "A grid of new clothes:            $(DEMO)/clothes.png"
	@echo "How they came out of the noise:   $(DEMO)/clothes.gif"
	@echo "The run (settings, losses, model): $(DEMO)/"
	@echo
	@echo "Next:  $(BIN)/nevoa sample $(DEMO) --sampler ddpm --steps 100 --trajectory 10 --out rows.png"
	@echo "       $(BIN)/nevoa noise fashion_mnist_10k:9 --out noise.png"
	@echo "       $(BIN)/nevoa train --minutes 30 --out runs/longer"

# Before each commit: in two minutes of two cores, one of which checks types most of the time.
check: $(BIN)/.installed-test
	$(MAKE) --jobs=2 lint quick

quick: $(BIN)/.installed-test
	$(BIN)/python -m pytest -m "not slow"

# Lint and the tests side by side: alone, the type check keeps one core busy for a minute and a half.
test: $(BIN)/.installed-test
	$(MAKE) --jobs=2 lint tests
	@# Repeat the tests that compare rounded results with the kernels of a CPU that has no AVX-512, unless this is one.
	if grep -qs avx512f /proc/cpuinfo; then ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 $(BIN)/python -m pytest -m numerical; fi

tests: $(BIN)/.installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: $(BIN)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

# Executes the lessons, unless nothing has changed in them since they were executed.
docs: $(BIN)/.installed-docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -c docs -d build/docs/doctrees . build/docs/html
	@echo "The first page: build/docs/html/index.html"

# Builds dist/, and checks what strangers will get.
release: $(BIN)/.installed-release
	env -u PYTHONPATH $(BIN)/python scripts/make_release.py

clean:
	rm -rf .venv

$(BIN)/python:
	$(PYTHON) -m venv .venv

# Without --no-compile, pip compiles every module of every package: half of its time. Python compiles those that it imports.
$(BIN)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --no-compile --editable .
	touch $@

$(BIN)/.installed-test: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[test]'
	touch $@ $(BIN)/.installed $(BIN)/.installed-docs

$(BIN)/.installed-docs: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[docs]'
	touch $@ $(BIN)/.installed

$(BIN)/.installed-release: $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --no-compile --editable '.[release]'
	touch $@ $(BIN)/.installed
