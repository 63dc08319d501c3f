package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/logpattern"
	"postflight/internal/verdict"
)

func TestFromFlagsNamesTheService(t *testing.T) {
	for _, tc := range []struct {
		targets, units []string
		service, want  string
	}{
		{[]string{"http://127.0.0.1:8000"}, []string{"proxy-system.service"}, "", "proxy-system"},
		{[]string{"http://127.0.0.1:8000"}, []string{"proxy-system"}, "", "proxy-system"},
		{[]string{"http://127.0.0.1:8000"}, nil, "", "127.0.0.1"},
		{[]string{"https://shop.example/app"}, nil, "", "shop.example"},
		{[]string{"http://[::1]:8000"}, nil, "", "--1"},
		{nil, []string{"shop@blue.service", "other"}, "", "shop-blue"},
		{nil, []string{"backup.timer"}, "", "backup"},
		{nil, []string{strings.Repeat("x", 100)}, "", strings.Repeat("x", 64)},
		{[]string{"http://127.0.0.1:8000"}, []string{"proxy-system"}, "shop", "shop"},
	} {
		c, err := FromFlags(tc.targets, tc.units, tc.service)
		if err != nil {
			t.Errorf("%v %v: %v", tc.targets, tc.units, err)
			continue
		}
		if got := c.Services[0].Name; got != tc.want {
			t.Errorf("%v %v: got %s, want %s", tc.targets, tc.units, got, tc.want)
		}
	}
}

func TestFromFlagsIsAFullSetUp(t *testing.T) {
	got, err := FromFlags([]string{"http://127.0.0.1:8000"}, []string{"proxy-system"}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := []Service{{
		Name:         "proxy-system",
		Targets:      []string{"http://127.0.0.1:8000"},
		Units:        []string{"proxy-system.service"},
		Checks:       builtIns(t),
		Logs:         patterns(t, logpattern.Builtin()),
		Verification: verdict.DefaultPolicy,
		Detect:       DetectRestart,
	}}
	if diff := cmp.Diff(want, got.Services, asShown); diff != "" {
		t.Error(diff)
	}
}

func TestFromFlagsRefuses(t *testing.T) {
	for _, tc := range []struct {
		name           string
		targets, units []string
		service        string
		want           []string
	}{
		{"nothing", nil, nil, "shop", []string{"--target: nothing to verify; give --target URL or --unit NAME"}},
		{"a password", []string{"http://ops:hunter2@127.0.0.1:8000"}, nil, "", []string{
			"--target: a target holds no user or password; name a token file under credentials instead (an @ in a path is written %40)",
		}},
		{"a unit of nothing", nil, []string{""}, "", []string{"--unit: the unit has no name; write it as systemctl does, such as proxy-system.service"}},
		{"a unit with a space", nil, []string{"a b"}, "", []string{`--unit: unit "a b": ' ' cannot be part of a unit's name; write it as systemctl does, such as proxy-system.service`}},
		{"a pattern of units", nil, []string{"*"}, "", []string{`--unit: unit "*": '*' cannot be part of a unit's name; write it as systemctl does, such as proxy-system.service`}},
		{"a suffix alone", nil, []string{".service"}, "", []string{`--unit: unit ".service": there is nothing before the suffix; write it as systemctl does, such as proxy-system.service`}},
		{"a unit that is not ASCII", nil, []string{"ü"}, "", []string{`--unit: unit "ü": 'ü' cannot be part of a unit's name; write it as systemctl does, such as proxy-system.service`}},
		{"a target twice", []string{"http://localhost", "http://localhost/"}, nil, "", []string{"--target: this target is listed already; leave one out"}},
		{"all of it", []string{"localhost:8000"}, []string{"a/b"}, "my shop", []string{
			`--target: "localhost:8000" is not a URL of http or https; write it such as http://127.0.0.1:8000`,
			"--unit: a unit's name holds no slash; write it as systemctl does, such as proxy-system.service",
			`--service: "my shop" is not a name; write up to 64 of the characters a-z A-Z 0-9 . _ -`,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := FromFlags(tc.targets, tc.units, tc.service)
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(strings.Join(tc.want, "\n"), err.Error()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
