package unitprobe_test

import (
	"strings"
	"testing"

	"postflight/probe/unitprobe"
)

func TestName(t *testing.T) {
	long := strings.Repeat("a", 247)
	for _, tc := range []struct{ in, want string }{
		{"proxy-system", "proxy-system.service"},
		{"proxy-system.service", "proxy-system.service"},
		{"worker@2", "worker@2.service"},
		{"worker@a@b.service", "worker@a@b.service"},
		{"redis.socket", "redis.socket"},
		{"backup.timer", "backup.timer"},
		{"multi-user.target", "multi-user.target"},
		{"app-1.4", "app-1.4.service"},
		{"service", "service.service"},
		{`dev-disk-by\x2dlabel-root.device`, `dev-disk-by\x2dlabel-root.device`},
		{"dbus-:1.3-org.freedesktop.problems@0", "dbus-:1.3-org.freedesktop.problems@0.service"},
		{long, long + ".service"},
	} {
		if got, err := unitprobe.Name(tc.in); got != tc.want || err != nil {
			t.Errorf("Name(%q) = %q, %v, want %q", tc.in, got, err, tc.want)
		}
	}
}

func TestNamesThatAreNone(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", "the unit has no name"},
		{"proxy system", `unit "proxy system": ' ' cannot be part of a unit's name`},
		{"proxy*", `unit "proxy*": '*' cannot be part of a unit's name`},
		{"/srv/data", `unit "/srv/data": '/' cannot be part of a unit's name`},
		{"prüfer", `unit "prüfer": 'ü' cannot be part of a unit's name`},
		{"worker@", `unit "worker@": a template has no state; name an instance of it`},
		{"worker@.service", `unit "worker@.service": a template has no state; name an instance of it`},
		{"@2.service", `unit "@2.service": there is nothing before the @`},
		{"@", `unit "@": there is nothing before the @`},
		{".service", `unit ".service": there is nothing before the suffix`},
		{strings.Repeat("a", 248), `unit "` + strings.Repeat("a", 248) + `": longer than 255 characters`},
	} {
		if got, err := unitprobe.Name(tc.in); err == nil || err.Error() != tc.want {
			t.Errorf("Name(%q) = %q, %v, want the error %s", tc.in, got, err, tc.want)
		}
	}
}
