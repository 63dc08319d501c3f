package config

import (
	"fmt"
	"strings"
	"testing"
)

// Each row changes one thing of the check that a running probe depends on, or does not.
func TestSameCheck(t *testing.T) {
	const before = `
services:
  - name: shop
    targets: ["https://127.0.0.1:8000"]
    tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client-key.pem, server_name: a}
    release: {check: orders, from: body.version}
    credentials:
      ops: {login: {path: /login, username: ops, password: hunter2, token: body.token}}
      reader: {token: hunter2}
      unused: {token: hunter2}
    checks:
      - name: orders
        path: /
        credentials: ops
        headers: {A: b}
        expect: {status: [200], max_duration: 1s, assertions: [{name: a, that: "body.a"}]}
        values: [{metric: a, help: It., each: body.a, label: b, states: {c: 1}}]
        schedule: "@every 10s"
      - {name: auth, use: auth, credentials: reader, tokens: [expired], signing_key: hunter2}
    verification: {window: 30s}
`
	orders, auth, none := []string{"orders"}, []string{"auth"}, []string(nil)
	for _, tc := range []struct {
		name, old, new string
		changed        []string
	}{
		{"nothing", "", "", none},
		{"only how it is written", `that: "body.a"`, `that: 'body.a'`, none},
		{"a default that is written", "path: /\n", "path: /\n        method: GET\n", none},
		{"target", ":8000", ":8001", none},
		{"verification", "window: 30s", "window: 31s", none},
		{"credentials that it does not use", "unused: {token: hunter2}", "unused: {token: hunter3}", none},
		{"another check", "name: auth,", "name: auth, critical: false,", auth},
		{"method", "path: /\n", "path: /\n        method: POST\n", orders},
		{"path", "path: /\n", "path: /a\n", orders},
		{"body", "path: /\n", "path: /\n        method: POST\n        body: a\n", orders},
		{"header", "{A: b}", "{A: c}", orders},
		{"which credentials", "credentials: ops", "credentials: reader", orders},
		{"password", "username: ops, password: hunter2", "username: ops, password: hunter3", orders},
		{"password in a file", "username: ops, password: hunter2", "username: ops, password_file: a", orders},
		{"where the token is", "token: body.token", "token: body.access_token", orders},
		{"who may have the token", "token: body.token}", "token: body.token}, allowed_targets: [10.0.0.0/8]", orders},
		{"token", "reader: {token: hunter2}", "reader: {token: hunter3}", auth},
		{"status", "status: [200]", "status: [201]", orders},
		{"time", "max_duration: 1s", "max_duration: 2s", orders},
		{"condition", "body.a\"", "body.b\"", orders},
		{"severity", `that: "body.a"`, `that: "body.a", severity: warning`, orders},
		{"value", "each: body.a", "each: body.b", orders},
		{"metric", "metric: a", "metric: b", orders},
		{"help", "help: It.", "help: That.", orders},
		{"state", "{c: 1}", "{c: 2}", orders},
		{"where the release is", "body.version", "body.release", orders},
		{"that it tells the release", "release: {check: orders, from: body.version}", "release: {file: VERSION}", orders},
		{"schedule", "@every 10s", "@every 20s", orders},
		{"redirects", "path: /\n", "path: /\n        follow_redirects: true\n", orders},
		{"connections", "path: /\n", "path: /\n        reuse_connections: true\n", orders},
		{"tokens", "tokens: [expired]", "tokens: [expired, missing]", auth},
		{"key", "signing_key: hunter2", "signing_key: hunter3", auth},
		{"authorities", "ca.pem", "bundle.pem", []string{"orders", "auth"}},
		{"server name", "server_name: a", "server_name: b", []string{"orders", "auth"}},
		{"no TLS", "    tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client-key.pem, server_name: a}\n", "", []string{"orders", "auth"}},
	} {
		if tc.old != "" && strings.Count(before, tc.old) != 1 {
			t.Fatalf("%s: %q is not in the file once", tc.name, tc.old)
		}
		a, b := service(t, before), service(t, strings.Replace(before, tc.old, tc.new, 1))
		var changed []string
		for i, check := range b.Checks {
			if !b.SameCheck(check, a, a.Checks[i]) {
				changed = append(changed, check.Name)
			}
		}
		if fmt.Sprint(changed) != fmt.Sprint(tc.changed) {
			t.Errorf("%s: %v changed, want %v", tc.name, changed, tc.changed)
		}
	}
}

// Files that keep their names and change what they hold are another configuration.
func TestSameTLSLooksIntoTheFiles(t *testing.T) {
	content := []byte("services: [{name: a, units: [a], tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client-key.pem}}]")
	read := func(files map[string]string) *TLS {
		c, err := parse("/etc/f.yml", content, func(name string) ([]byte, error) {
			if other, ok := files[name]; ok {
				name = other
			}
			return readTestCertificates(name)
		})
		if err != nil {
			t.Fatal(err)
		}
		return c.Services[0].TLS
	}
	before := read(nil)
	for name, tc := range map[string]struct {
		files map[string]string
		same  bool
	}{
		"the same":            {nil, true},
		"another authority":   {map[string]string{"/etc/ca.pem": "client.pem"}, false},
		"another certificate": {map[string]string{"/etc/client.pem": "ca.pem", "/etc/client-key.pem": "ca-key.pem"}, false},
	} {
		if got := read(tc.files).Same(before); got != tc.same {
			t.Errorf("%s: same is %v", name, got)
		}
	}
	if (*TLS)(nil).Same(before) || before.Same(nil) || !(*TLS)(nil).Same(nil) {
		t.Error("none is not some")
	}
}

func service(t testing.TB, content string) Service {
	t.Helper()
	c, err := parsed("/etc/f.yml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return c.Services[0]
}
