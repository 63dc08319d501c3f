package deploy

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"postflight/internal/testhost"
)

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
