package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"postflight/internal/testhost"
)

const (
	shop = "[Service]\nExecStart=sleep infinity\n"

	shopConfiguration = `services:
  - name: shop
    units: [shop.service]
    verification: {settle_timeout: 2s, window: 500ms, interval: 100ms, detect: restart}
`
	bootID    = "/proc/sys/kernel/random/boot_id"
	stateFile = "var/lib/postflight/postflight.json"
)

// TestARebootIsNoDeployment reboots, as far as a test host can: it remembers nothing. Another one boots, with the unit
// enabled and with what the first had saved. systemd really starts the unit while it boots; only the boot's id, which is the
// kernel's, is made up.
func TestARebootIsNoDeployment(t *testing.T) {
	m := boot(t)
	m.WriteUnit("shop.service", shop)
	m.Exec("systemctl", "start", "shop")
	m.startsWatchingShop()
	m.Exec("systemctl", "restart", "shop")
	m.eventuallyShows(wants{`postflight_deployments_total{source="detected"}`: 1, `postflight_verifications_total{verdict="passed"}`: 1})
	m.Exec("systemctl", "stop", "postflight", "shop")
	saved := m.stateFile()

	m = boot(t, rebooted(t)...)
	m.write("etc/systemd/system/postflight.service.d/boot-id.conf", "[Service]\nBindReadOnlyPaths="+bootID+"\n", 0o644)
	m.Exec("systemctl", "daemon-reload")
	m.write(stateFile, saved, 0o644)
	m.startsWatchingShop()
	// The counter waits for the word of the journal, which this machine has lost.
	m.eventually(func(exposition) error { return m.holds(stateFile, `"starts":{"boot":1}`) })
	m.eventuallyShows(wants{`postflight_deployments_total{source="detected"}`: 1, `postflight_verifications_total{verdict="passed"}`: 1})

	t.Log("another deployment")
	m.Exec("systemctl", "restart", "shop")
	m.eventuallyShows(wants{`postflight_deployments_total{source="detected"}`: 2, `postflight_verifications_total{verdict="passed"}`: 2})
}

func (m *machine) startsWatchingShop() {
	m.t.Helper()
	m.write(configFile, shopConfiguration, 0o644)
	m.Exec("systemctl", "start", "postflight")
	m.sees()
}

// rebooted has the machine boot another time, with the shop enabled.
func rebooted(t *testing.T) []testhost.Option {
	t.Helper()
	dir := t.TempDir()
	const units = "/etc/systemd/system/"
	write := func(name, content string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	wanted := filepath.Join(dir, "wanted")
	if err := os.Mkdir(wanted, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(units+"shop.service", filepath.Join(wanted, "shop.service")); err != nil {
		t.Fatal(err)
	}
	return []testhost.Option{
		{"--bind", write("shop.service", shop) + ":" + units + "shop.service"},
		{"--bind", wanted + ":" + units + "systemd-host.target.wants"},
		{"--bind", write("boot_id", "11111111-2222-4333-8444-555555555555\n") + ":" + bootID},
	}
}
