package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"go.yaml.in/yaml/v3"
)

// Schema is the JSON schema of the configuration, made of the table of keys. It says what an editor can use: which keys
// there are, what they mean, and of what type and shape their values are. What holds between keys it does not say.
func Schema() []byte {
	root := newTable().schema(mappingKind, "")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "postflight configuration"
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		panic(fmt.Sprintf("writing the schema to memory: %v", err))
	}
	return out.Bytes()
}

// schema says what may stand as a value of a kind. pattern is its path as the table has it.
func (t table) schema(k kind, pattern string) map[string]any {
	schema := maps.Clone(k.schema)
	if schema == nil {
		schema = map[string]any{}
	}
	switch k.form {
	case list:
		schema["type"], schema["items"] = "array", t.schema(*k.items, pattern+"[]")
	case byName:
		schema["type"], schema["additionalProperties"] = "object", t.schema(*k.items, pattern+".<name>")
	case mapping:
		schema["type"], schema["additionalProperties"] = "object", false
		properties := map[string]any{}
		var required []string
		for _, below := range t.below[pattern] {
			_, name := below.split()
			properties[name] = t.property(below)
			if below.otherwise == isRequired {
				required = append(required, name)
			}
		}
		schema["properties"] = properties
		if required != nil {
			schema["required"] = required
		}
	default:
		schema["type"] = k.schemaType()
	}
	return schema
}

// property is what may stand by a key, and what that means.
func (t table) property(k key) map[string]any {
	schema := t.schema(k.kind, k.path)
	schema["description"] = k.doc
	schema["examples"] = []any{decoded(k.example)}
	switch {
	case k.fallback != "" && k.kind.schemaType() == "string":
		schema["default"] = k.fallback
	case k.fallback != "":
		schema["default"] = decoded(k.fallback)
	}
	return schema
}

func (k kind) schemaType() string {
	switch k.tag {
	case numberTag:
		return "integer"
	case decimalTag:
		return "number"
	case booleanTag:
		return "boolean"
	default:
		return "string"
	}
}

// decoded is a value that the table has as YAML.
func decoded(text string) (value any) {
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		panic(fmt.Sprintf("the table has %q: %v", text, err))
	}
	return value
}
