// Package deploy holds what an operator installs. Its tests load and judge those files as they are shipped.
package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"postflight/internal/config"
)

func TestTheExampleConfigurationLoads(t *testing.T) {
	shipped := read(t, "postflight.yml")
	for name, content := range map[string]string{
		"as shipped":                    shipped,
		"with what is commented out on": switchedOn(shipped),
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "postflight.yml")
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := config.Load(file); err != nil {
				t.Errorf("%v\n%s", err, content)
			}
		})
	}
	if switchedOn(shipped) == shipped {
		t.Error("the example has nothing that is commented out")
	}
}

// switchedOn is the configuration with its disabled lines enabled: "#key" and "#  nested", unlike "# Prose".
func switchedOn(content string) string {
	return regexp.MustCompile(`(?m)^( *)#(  +|[^ ])`).ReplaceAllString(content, "$1$2")
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
