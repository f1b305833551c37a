"""Reading single values that people and files give: fields of JSON, lines of YAML, numbers, paths, texts."""
