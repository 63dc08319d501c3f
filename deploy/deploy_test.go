// Package deploy holds what an operator installs. Its tests load and judge those files as they are shipped.
package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"postflight/internal/config"
	"postflight/internal/testhost"
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

// The threshold is systemd's own scale times ten: 0 is locked up, 100 wide open.
func TestTheUnitIsLockedUp(t *testing.T) {
	testhost.RequireTools(t, "systemd-analyze")
	out, err := exec.Command("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
		"systemd/postflight.service").CombinedOutput()
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}

// What systemd does not know it only warns of, at run time, where nobody looks.
func TestTheUnitHasNoSettingThatSystemdIgnores(t *testing.T) {
	testhost.RequireTools(t, "systemd-analyze")
	directory := t.TempDir()
	const unit = "postflight.service"
	files, err := filepath.Glob("systemd/" + unit + ".d/*.conf")
	if err != nil || len(files) != 2 {
		t.Fatalf("drop-ins: %v, %v", files, err)
	}
	if err := os.Mkdir(filepath.Join(directory, unit+".d"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "systemd/"+unit) {
		content := strings.ReplaceAll(read(t, file), "/usr/local/bin/postflight", "/bin/true")
		if err := os.WriteFile(filepath.Join(directory, strings.TrimPrefix(file, "systemd/")), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", filepath.Join(directory, unit)).CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
