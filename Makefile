# The definition of done is `make check test`. Everything runs in .venv; nothing is installed elsewhere.
PY := .venv/bin/python
SHELL := /bin/bash
.PHONY: setup lock check test scores demo up kafka contracts contracts-release bench

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	python3 -m venv .venv
	$(PY) -m pip install --quiet --require-hashes -r requirements.lock
	$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	touch .venv/.ready

LOCK := .venv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11 --no-annotate --no-header

lock:            ## write the lock files anew (pinned, hashed, without addresses); needs `uv` in .venv
	$(LOCK) --extra dev pyproject.toml requirements.build.in -o requirements.lock
	$(LOCK) pyproject.toml requirements.build.in -o deploy/requirements.lock
	$(LOCK) --group bench -c requirements.lock -o tests/bench/requirements.lock

check: setup     ## format, lint, types, import rules, fast tests (≤ 30 s)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports --no-cache
	$(PY) -m pytest -q -n 2 -m "not slow and not connected and not kafka"

test: setup      ## everything (≤ 15 minutes on 2 cores)
	$(PY) -m pytest -q -n 2 --dist loadfile --durations=15

scores: setup    ## how much of the maintainers' benefit documents and wordings is read; SHARED=folder for another place
	$(PY) -m tests.benefit_scores $(or $(SHARED),../shared)

demo: setup      ## the whole flow in one command; DOCS=folder for other documents
	.venv/bin/zhaoqi demo $(if $(DOCS),--docs $(DOCS))

up: setup
	.venv/bin/zhaoqi up

kafka: setup     ## Apache Kafka's jars into deploy/kafka/libs (needs Java and Maven)
	$(PY) -m deploy.kafka

contracts: setup ## write schemas, AsyncAPI and OpenAPI from the code
	$(PY) -m contracts
	$(PY) -m deploy.openapi

contracts-release: contracts  ## only at a release: what CI compares with
	rm -rf contracts/released && cp -r contracts/schemas contracts/released
	cp -r contracts/examples contracts/asyncapi.yaml contracts/released/

bench: setup     ## figures of design §11, beside other engines, as JSON; wants a machine that does nothing else; SCALE=10
	test .bench/.ready -nt tests/bench/requirements.lock \
	  || { rm -rf .bench && $(PY) -m pip install --quiet --require-hashes --target .bench -r tests/bench/requirements.lock && touch .bench/.ready; } \
	  || echo "the other engines cannot be installed; the report says so" >&2
	$(PY) -m tests.bench.reading
	$(PY) -m tests.bench.flow
	$(PY) -m tests.bench.matching --peers .bench --scale $(or $(SCALE),1)
