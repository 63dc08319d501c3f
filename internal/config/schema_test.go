package config

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSchemaTellsEveryKey(t *testing.T) {
	root := schema(t)
	for _, k := range keys {
		at := root
		for part := range strings.SplitSeq(k.path, ".") {
			name, items := strings.CutSuffix(part, "[]")
			if name == "<name>" {
				at = at["additionalProperties"].(map[string]any)
				continue
			}
			at = at["properties"].(map[string]any)[name].(map[string]any)
			if items {
				at = at["items"].(map[string]any)
			}
		}
		if at["type"] == nil || at["description"] != k.doc || len(at["examples"].([]any)) != 1 {
			t.Errorf("%s: no type, no description or no example: %v", k.path, at)
		}
		if want, got := k.fallback, at["default"]; want != "" && fmt.Sprint(got) != want || want == "" && got != nil {
			t.Errorf("%s: the default is %v, want %s", k.path, got, want)
		}
	}
}

func TestSchemaAcceptsWhatTheDocumentationShows(t *testing.T) {
	root := schema(t)
	for _, page := range []string{"testdata/example.yml", "../../docs/configuration.md", "../../README.md", "../../README.zh-CN.md"} {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := [][]byte{content}
		if strings.HasSuffix(page, ".md") {
			blocks = configurations(content)
		}
		for _, block := range blocks {
			for _, problem := range mismatches(t, root, decoded(string(block)), "") {
				t.Errorf("%s: %s\n%s", page, problem, block)
			}
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	root := schema(t)
	const check = "services: [{name: a, targets: ['http://a'], checks: [{name: a, path: /, %s}]}]"
	for _, tc := range []struct{ content, want string }{
		{"services: [{name: a}]\ncolour: red", ".colour: unknown"},
		{"native_histograms: 1\nservices: []", ".native_histograms: want boolean"},
		{"defaults: {}", ": services is missing"},
		{"defaults: {timeout: 5}\nservices: []", ".defaults.timeout: want string"},
		{"defaults: {timeout: '5'}\nservices: []", ".defaults.timeout: want (ns|us|µs|ms|s|m|h)$"},
		{"services: [{units: [a]}]", ".services[0]: name is missing"},
		{"services: [{name: a b}]", ".services[0].name: want ^[a-zA-Z0-9._-]{1,64}$"},
		{"services: [{name: a, credentials: {a: {tokn: b}}}]", ".services[0].credentials.a.tokn: unknown"},
		{"services: [{name: a, tls_config: {insecure_skip_verify: true}}]", ".services[0].tls_config.insecure_skip_verify: unknown"},
		{"services: [{name: a, verification: {consecutive: 0}}]", ".services[0].verification.consecutive: want 1 or more"},
		{fmt.Sprintf(check, "method: get"), ".services[0].checks[0].method: want one of [GET HEAD OPTIONS POST PUT PATCH DELETE]"},
		{fmt.Sprintf(check, "tokens: [none]"), ".services[0].checks[0].tokens[0]: want one of [missing malformed wrong_key alg_none expired]"},
		{fmt.Sprintf(check, "headers: {a: 1}"), ".services[0].checks[0].headers.a: want string"},
		{fmt.Sprintf(check, "expect: {status: [2000]}"), ".services[0].checks[0].expect.status[0]: want 599 or less"},
		{fmt.Sprintf(check, "values: [{metric: a, states: {a: b}}]"), ".services[0].checks[0].values[0].states.a: want number"},
		{fmt.Sprintf(check, "values: ["+strings.Repeat("{metric: a},", 101)+"]"), ".services[0].checks[0].values: want 100 items at most"},
		{fmt.Sprintf(check, "signing_key: ''"), ".services[0].checks[0].signing_key: want 1 characters or more"},
	} {
		got := mismatches(t, root, decoded(tc.content), "")
		if len(got) != 1 || strings.ReplaceAll(got[0], "[0-9]", "") != tc.want {
			t.Errorf("%s: got %q, want %q", tc.content, got, tc.want)
		}
	}
}

func schema(t testing.TB) map[string]any {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal(Schema(), &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// mismatches tells where a value is not what a schema says, of the keywords that ours uses. Any other ends the test.
func mismatches(t testing.TB, schema map[string]any, value any, at string) (problems []string) {
	t.Helper()
	say := func(format string, args ...any) { problems = append(problems, at+": "+fmt.Sprintf(format, args...)) }
	if want := schema["type"]; want != typeOf(value) && (want != "number" || typeOf(value) != "integer") {
		say("want %v", want)
		return problems
	}
	object, _ := value.(map[string]any)
	for keyword, limit := range schema {
		switch keyword {
		case "$schema", "title", "description", "examples", "default", "type", "properties":
		case "required":
			for _, name := range limit.([]any) {
				if _, there := object[name.(string)]; !there {
					say("%v is missing", name)
				}
			}
		case "additionalProperties":
			properties, _ := schema["properties"].(map[string]any)
			for name, field := range object {
				property, _ := properties[name].(map[string]any)
				if property == nil {
					property, _ = limit.(map[string]any)
				}
				if property == nil {
					problems = append(problems, at+"."+name+": unknown")
					continue
				}
				problems = append(problems, mismatches(t, property, field, at+"."+name)...)
			}
		case "items":
			for i, item := range value.([]any) {
				problems = append(problems, mismatches(t, limit.(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
			}
		case "maxItems":
			if len(value.([]any)) > int(limit.(float64)) {
				say("want %v items at most", limit)
			}
		case "enum":
			if !slices.Contains(limit.([]any), value) {
				say("want one of %v", limit)
			}
		case "pattern":
			if !regexp.MustCompile(limit.(string)).MatchString(value.(string)) {
				say("want %v", limit)
			}
		case "minLength":
			if utf8.RuneCountInString(value.(string)) < int(limit.(float64)) {
				say("want %v characters or more", limit)
			}
		case "minimum":
			if float64(value.(int)) < limit.(float64) {
				say("want %v or more", limit)
			}
		case "maximum":
			if float64(value.(int)) > limit.(float64) {
				say("want %v or less", limit)
			}
		default:
			t.Fatalf("%s: the test knows no keyword %s", at, keyword)
		}
	}
	return problems
}

// typeOf is JSON schema's name of the type of a value out of YAML.
func typeOf(value any) string {
	switch value.(type) {
	case map[string]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case int:
		return "integer"
	case float64:
		return "number"
	case bool:
		return "boolean"
	default:
		return fmt.Sprintf("%T", value)
	}
}
