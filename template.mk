# Of the template only: this file does not travel into generated projects.
OUTPUT ?= ..

# A new project, made and tried with this environment instead of one of its own.
DEMO = folder=$$(mktemp -d) \
  && $(BIN)/cookiecutter . --no-input --default-config --output-dir $$folder project_name=Demo \
  && exec env PYTHONPATH=$$folder/demo/src $(MAKE) --no-print-directory -C $$folder/demo -o setup demo VENV=$(abspath $(VENV))

.PHONY: new
new: setup ## a new project beside this one: asks for its name and the rest
	$(BIN)/cookiecutter . --output-dir $(OUTPUT)
