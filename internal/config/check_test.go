package config

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownCheck is a configuration with one check of the user's own.
func ownCheck(keys string) []byte {
	return fmt.Appendf(minimal[:len(minimal):len(minimal)], "    checks: [{name: own, %s}]\n", keys)
}

func TestOwnCheckByDefault(t *testing.T) {
	c, err := Parse("f.yml", ownCheck("path: /"))
	if err != nil {
		t.Fatal(err)
	}
	got := c.Services[0].Checks
	want := []Check{{
		Name: "own", Schedule: c.Defaults.Schedule, Timeout: c.Defaults.Timeout, Critical: true,
		Request: Request{Method: "GET", Path: "/"},
	}}
	if diff := cmp.Diff(want, got, asShown); diff != "" {
		t.Error(diff)
	}
}

func TestOwnCheckShown(t *testing.T) {
	c, err := Parse("f.yml", ownCheck(`path: "/a?b=c", method: PUT, headers: {x-b: "2", X-A: "1"}, body: "a\nb\n", expect: {status: [200, 204], max_duration: 90s, `+
		`assertions: [{name: a, that: "status == 200"}, {name: b, that: "size < 1000\nand status == 200", severity: warning}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `    checks:
      - name: own
        method: PUT
        path: /a?b=c
        headers:
          X-A: "1"
          X-B: "2"
        body: |
          a
          b
        follow_redirects: false
        expect:
          status: [200, 204]
          max_duration: 1m30s
          assertions:
            - name: a
              that: status == 200
              severity: error
            - name: b
              that: |-
                size < 1000
                and status == 200
              severity: warning
        schedule: '@every 15s'
`
	_, shown, _ := strings.Cut(string(c.YAML()), "http://127.0.0.1:8000\n")
	if diff := cmp.Diff(want, shown[:min(len(want), len(shown))]); diff != "" {
		t.Error(diff)
	}
}

// A body is sent as it is written, whatever it holds, also after it was shown.
func TestBodiesStayAsTheyAre(t *testing.T) {
	for _, body := range []string{
		" ", "\n", "\n\n a", "  a\nb", "a\n  b\n", "\n  a\n", "a\n\tb", "a\tb\nc", "a \nb", "a\n\n\n", "\ta\n\tb", "a\r\nb\r\n", "a\u0085b", "a\u2028b", "\ufeffa", "\x00", "# a\nb", "'\"", "---\na", "true", "<<", "😀", "-", "a: b\n",
	} {
		c, err := Parse("f.yml", ownCheck("path: /, method: POST, body: "+strconv.QuoteToASCII(body)))
		if err != nil {
			t.Errorf("%q: %v", body, err)
			continue
		}
		again, err := Parse("g.yml", c.YAML())
		if err != nil {
			t.Errorf("%q: shown, it is refused: %v\n%s", body, err, c.YAML())
			continue
		}
		for _, c := range []*Config{c, again} {
			if got := c.Services[0].Checks[0].Request.Body; got != body {
				t.Errorf("got %q, want %q", got, body)
			}
		}
	}
}

func TestBodiesHaveALimit(t *testing.T) {
	body := "path: /, method: POST, body: " + strings.Repeat("x", 64<<10)
	if _, err := Parse("f.yml", ownCheck(body)); err != nil {
		t.Error(err)
	}
	const want = "f.yml:4:55: services[0].checks[0].body: the body is larger than 64 KiB; write a smaller one"
	if _, err := Parse("f.yml", ownCheck(body+"x")); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
