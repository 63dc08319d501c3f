package hook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"postflight/internal/testhost"
)

// The daemon's own unit is what tries, with all that it is locked up with; only the program is another.
func TestWhatPolkitLetsTheDaemonStart(t *testing.T) {
	testhost.RequireTools(t, "/usr/lib/polkit-1/polkitd", "systemd-sysusers")
	h := testhost.Start(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	install(t, h, program, "usr/local/bin/postflight", 0o755)
	install(t, h, "../../deploy/systemd/postflight.service", "etc/systemd/system/postflight.service", 0o644)
	install(t, h, "../../deploy/systemd/sysusers.d/postflight.conf", "etc/sysusers.d/postflight.conf", 0o644)
	h.Exec("systemd-sysusers", "postflight.conf")
	for _, unit := range []string{"app-rollback.service", "other.service"} {
		h.WriteUnit(unit, "[Service]\nType=oneshot\nExecStart=touch /run/started-%p\n")
	}
	uid := h.Exec("id", "-u", "postflight")
	refused := func(unit string) string {
		return "starting " + unit + ": uid " + uid + " may not; it takes polkit, and a rule that names this unit, such as deploy/polkit/50-postflight.rules: "
	}
	const polkit = "/usr/share/dbus-1/system-services/org.freedesktop.PolicyKit1.service" // what the bus knows of it
	for _, row := range []struct {
		name, unit string
		before     func()
		want       string
	}{
		{"there is no polkit", "app-rollback.service", func() {
			h.Exec("mount", "--bind", "/dev/null", polkit)
			h.Exec("systemctl", "reload", "dbus")
		}, refused("app-rollback.service")},
		{"no rule", "app-rollback.service", func() {
			h.Exec("umount", polkit)
			h.Exec("systemctl", "reload", "dbus")
		}, refused("app-rollback.service")},
		{"the rule", "app-rollback.service", func() {
			install(t, h, "../../deploy/polkit/50-postflight.rules", "etc/polkit-1/rules.d/50-postflight.rules", 0o644)
			h.Exec("systemctl", "restart", "polkit")
		}, ""},
		{"the rule, and another unit", "other.service", func() {}, refused("other.service")},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.before()
			problem := startAsTheDaemon(t, h, row.unit)
			if reason, as := strings.CutPrefix(problem, row.want); !as || (reason == "") != (row.want == "") {
				t.Errorf("%q\nwant %q and the reason", problem, row.want)
			}
			_, err := os.Stat(filepath.Join(h.Root, "run/started-"+strings.TrimSuffix(row.unit, ".service")))
			if started := err == nil; started != (row.want == "") {
				t.Errorf("started: %t", started)
			}
		})
	}
	t.Run("the rule, and another verb", func(t *testing.T) {
		stop := h.Command(t.Context(), "setpriv", "--reuid=postflight", "--regid=postflight", "--init-groups",
			"systemctl", "--no-ask-password", "stop", "app-rollback.service")
		out, err := stop.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "Interactive authentication required") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

// startAsTheDaemon has the daemon's unit run a hook, and returns the problem.
func startAsTheDaemon(t *testing.T, h *testhost.Host, unit string) string {
	t.Helper()
	const dropIn = "etc/systemd/system/postflight.service.d/start.conf"
	content := "[Service]\nType=oneshot\nRestart=no\nExecStart=\nExecStart=/usr/local/bin/postflight\nStandardOutput=truncate:/run/problem\n" +
		"Environment=" + startInstead + "=" + unit + "\n"
	if err := os.MkdirAll(filepath.Dir(filepath.Join(h.Root, dropIn)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.Root, dropIn), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	h.Exec("systemctl", "daemon-reload")
	h.Exec("systemctl", "start", "postflight")
	problem, err := os.ReadFile(filepath.Join(h.Root, "run/problem"))
	if err != nil {
		t.Fatal(err)
	}
	return string(problem)
}

func install(t *testing.T, h *testhost.Host, from, to string, mode os.FileMode) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Join(h.Root, to)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.Root, to), content, mode); err != nil {
		t.Fatal(err)
	}
}
