package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// guarded is a backend that notes the credentials and the logins that it gets. It wants the token that it issues.
type guarded struct {
	url  string
	hold func(*http.Request) // is called by each login, before its answer

	mu      sync.Mutex
	asked   int
	secrets []string // of all requests
	logins  int
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{hold: func(*http.Request) {}}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	authorization := r.Header.Get("Authorization")
	g.mu.Lock()
	g.asked++
	if r.URL.Path == "/login" {
		g.logins++
	}
	if authorization != "" {
		g.secrets = append(g.secrets, authorization)
	}
	if strings.Contains(string(body), "letmein") {
		g.secrets = append(g.secrets, string(body))
	}
	g.mu.Unlock()
	switch {
	case r.URL.Path == "/login":
		g.hold(r)
		fmt.Fprint(w, `{"access_token": "the-token-that-was-issued"}`)
	case authorization == "Bearer the-token-that-was-issued":
		fmt.Fprint(w, `{}`)
	default:
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (g *guarded) seen() (asked, logins int, secrets []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked, g.logins, g.secrets
}

const ways = `
      given: {token: the-token-that-was-issued%[1]s}
      login: {login: {path: /login, format: json, username_field: u, password_field: p, username: ops, password: letmein, token: body.access_token}%[1]s}`

// Who may write a list must not get at credentials by it.
func TestWhoGetsCredentials(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		listed  bool
		allowed string
		gets    bool
	}{
		{"a configured target", false, "", true},
		{"one that only a list names", true, "", false},
		{"one that only a list names, under allowed_targets", true, ", allowed_targets: [127.0.0.0/8]", true},
		{"one that only a list names, and others are allowed", true, ", allowed_targets: [10.0.0.0/8, shop.example]", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			g, own, l := newGuarded(t), newGuarded(t), fileList(t)
			targets, list := []string{own.url}, []string{own.url}
			if row.listed {
				list = append(list, g.url)
			} else {
				targets = append(targets, g.url)
			}
			l.write(naming(list...))
			_, page, _ := start(t, parse(t, `
defaults: {schedule: "@every 200ms"}
services:
  - name: proxy
    targets: ["%s"]
    %s
    credentials:%s
    checks:
      - {name: given, path: /, credentials: given}
      - {name: login, path: /, credentials: login}
      - {name: signed, use: auth, tokens: [expired], signing_key: a-key, credentials: given, min_interval: 200ms, schedule: "@every 200ms"}
      - {name: open, path: /, expect: {status: [401]}}
`, strings.Join(targets, `", "`), l.key, fmt.Sprintf(ways, row.allowed)), nil)
			for _, check := range []string{"given", "login", "signed"} {
				want := fmt.Sprintf(`postflight_probe_success{check=%q,service="proxy",target=%q} 1`, check, g.url)
				if !row.gets {
					want = fmt.Sprintf(`postflight_probe_failure_info{check=%q,reason="credentials",service="proxy",target=%q} 1`, check, g.url)
				}
				await(t, page+"/metrics", want)
				await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check=%q,service="proxy",target=%q} 1`, check, own.url))
			}
			await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="open",service="proxy",target=%q} 1`, g.url))
			asked, logins, secrets := g.seen()
			if asked == 0 || (logins > 0) != row.gets || (len(secrets) > 0) != row.gets {
				t.Errorf("asked %d times, it got %d logins and the secrets %q", asked, logins, secrets)
			}
		})
	}
}

// A target that is taken out of the configuration and stays in a list loses the credentials.
func TestCredentialsAreWithdrawnFromATargetThatOnlyAListNamesNow(t *testing.T) {
	t.Parallel()
	g, own, l := newGuarded(t), newGuarded(t), fileList(t)
	l.write(naming(g.url))
	f := newFile(t)
	configure := func(targets ...string) {
		f.write(t, `
services:
  - name: proxy
    targets: ["%s"]
    %s
    credentials:%s
    checks: [{name: given, path: /, credentials: given, schedule: "@every 1h"}]
`, strings.Join(targets, `", "`), l.key, fmt.Sprintf(ways, ""))
	}
	configure(own.url, g.url)
	d, page, _ := startOn(t, f, nil, nil)
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_success{check="given",service="proxy",target=%q} 1`, g.url))
	configure(own.url)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	asked, _, _ := g.seen()
	await(t, page+"/metrics", fmt.Sprintf(`postflight_probe_failure_info{check="given",reason="credentials",service="proxy",target=%q} 1`, g.url))
	if now, _, _ := g.seen(); now != asked {
		t.Errorf("asked %d times more, though it may not have the credentials", now-asked)
	}
}

func TestATokenOutlivesAReloadThatLeavesItsCredentials(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	f := newFile(t)
	const configuration = `
services:
  - name: proxy
    targets: [%q]
    credentials:%s
    checks: [{name: page, path: /page-%d, credentials: login, schedule: "@every 1h"}]
`
	f.write(t, configuration, g.url, fmt.Sprintf(ways, ""), 0)
	d, page, _ := startOn(t, f, nil, nil)
	await(t, page+"/metrics", `outcome="pass",service="proxy",target="`+g.url+`"} 1`)
	for round := 1; round <= 3; round++ {
		f.write(t, configuration, g.url, fmt.Sprintf(ways, ""), round)
		if err := d.Reload(); err != nil {
			t.Fatal(err)
		}
		// The check is another one each time, and so runs soon.
		await(t, page+"/metrics", fmt.Sprintf(`outcome="pass",service="proxy",target=%q} %d`, g.url, 1+round))
	}
	if _, logins, _ := g.seen(); logins != 1 {
		t.Errorf("%d logins in all, want 1", logins)
	}
	f.write(t, configuration, g.url, fmt.Sprintf(ways, ", allowed_targets: [shop.example]"), 4)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	await(t, page+"/metrics", fmt.Sprintf(`outcome="pass",service="proxy",target=%q} 5`, g.url))
	if _, logins, _ := g.seen(); logins != 2 {
		t.Errorf("%d logins after the credentials changed, want 2", logins)
	}
}

// A login that hangs holds up neither a reload nor the end, and is given up when nobody wants it any more.
func TestAReloadWhileALoginHangs(t *testing.T) {
	t.Parallel()
	g := newGuarded(t)
	hangs, ended := make(chan struct{}, 10), make(chan struct{}, 10)
	g.hold = func(r *http.Request) {
		hangs <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	}
	f := newFile(t)
	const configuration = `
services:
  - name: proxy
    targets: [%q]
    credentials:%s
    checks: [{name: page, path: /page-%d, credentials: login, timeout: 5m}]
`
	f.write(t, configuration, g.url, fmt.Sprintf(ways, ""), 0)
	d, _, stop := startOn(t, f, nil, nil)
	<-hangs
	f.write(t, configuration, g.url, fmt.Sprintf(ways, ""), 1)
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	<-ended
	<-hangs // that of the check as it is now
	if err := stop(); err != nil {
		t.Error(err)
	}
	<-ended
}
