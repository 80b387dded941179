# Haven's commands. Each sets up what it needs on a fresh Debian or Raspberry Pi OS machine.
.PHONY: demo test check format chaos lock clean
venv := $(or $(HAVEN_VENV),.venv)
bin := $(venv)/bin

demo:            ## the whole path on this machine: broker, server, three boxes; keys press the buttons
	@tools/setup run
	@$(bin)/python -m haven_demo

test:            ## all tests, on a real Mosquitto and a real PostgreSQL
	@tools/setup dev
	@$(bin)/python -m pytest $(ARGS)

chaos:           ## long fault runs: processes killed at random instants
	@tools/setup dev
	@$(bin)/python -m pytest -m chaos tests/whole $(ARGS)

check:           ## format, lint, types, layering, generated documents
	@tools/setup dev
	@tools/check

format:          ## rewrites the code in its one format
	@tools/setup dev
	@$(bin)/ruff format . && $(bin)/ruff check --fix .

lock:            ## moves the pinned versions on
	@tools/lock --upgrade

clean:           ## removes the environment and the demo's state
	rm -rf $(venv) .state
