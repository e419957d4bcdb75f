VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install -q --disable-pip-version-check
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"
M ?= not slow
.PHONY: help demo test check lint types floors docs bench cover fix api verifier lock
help: ; @awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile ## Show what there is
demo: $(VENV)/ready ; @$(BIN)/svitlo demo $(A) ## Seal, log, stamp, export and verify on a node of a fictional contact point
test: $(VENV)/ready ; @$(BIN)/pytest -m "$(M)" $(T) ## Run the tests (T=tests/rooms/seal for a part, M= with the slow ones)
check: lint types floors docs ## All gates but the tests
lint: $(VENV)/ready ## Format, lint, dependencies, change notes
	$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	$(BIN)/deptry src && $(BIN)/towncrier build --draft --version next >/dev/null
types: $(VENV)/ready ; $(BIN)/mypy ## Type-check
floors: $(VENV)/ready ; $(BIN)/lint-imports --no-logo ## Check the contracts between the rooms
docs: $(VENV)/ready ; $(BIN)/python tools/lookup.py && $(BIN)/zensical build --strict --clean ## Build the documentation into site/
bench: $(VENV)/ready ; @$(BIN)/python -m bench $(B) ## Measure side by side with the peers (B=seal-small for one)
cover: $(VENV)/ready ; $(BIN)/coverage run -m pytest -q $(T) && $(BIN)/coverage report ## Show what no test reaches
fix: $(VENV)/ready ; $(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q . ## Format, and mend what can be mended
api: $(VENV)/ready ; $(BIN)/griffe check svitlo --search src --against $$(git describe --tags --abbrev=0) ## Compare the API with the last release
verifier: $(VENV)/ready ; $(BIN)/python tools/verifier.py ## Build the court's single-file verify.py
lock: $(VENV)/ready ; $(LOCK) pyproject.toml --all-extras --group dev -o requirements/dev.txt $(U) ## Renew the locks (U=-U: raise)
$(VENV)/ready: pyproject.toml requirements/dev.txt
	$(or $(PYTHON),python3) -m venv $(VENV) && $(BIN)/python -c 'import sys; sys.exit("svitlo needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	$(PIP) --require-hashes -r requirements/dev.txt && $(PIP) --no-deps --no-build-isolation -e . && touch $@
