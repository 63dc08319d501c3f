package credentials_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// probes asks for grants for the targets, each once a second.
func probes(t *testing.T, seconds int, ask func(target string), targets ...string) {
	t.Helper()
	for range seconds {
		for _, target := range targets {
			ask(target)
		}
		time.Sleep(time.Second)
	}
}

// all are the tries at all of the backends, in order.
func all(backends ...*backend) []time.Time {
	var tries []time.Time
	for _, b := range backends {
		tries = append(tries, b.tries...)
	}
	slices.SortFunc(tries, time.Time.Compare)
	return tries
}

// However many targets are asked, a wrong password is tried three times, and then once a minute.
func TestAWrongPasswordLocksNoAccount(t *testing.T) {
	tests := []struct {
		name    string
		broken  func(*backend)
		options string
	}{
		{"refused", func(*backend) {}, wrong},
		{"never answered", func(b *backend) { b.hangs = true }, password},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, c := &backend{password: password}, &backend{password: password}, &backend{password: password}
				for _, backend := range []*backend{a, b, c} {
					tt.broken(backend)
				}
				s := newSet(world{targetA: a, targetB: b, targetC: c}, byLogin(t, tt.options), targetA, targetB, targetC)
				start := time.Now()
				for time.Since(start) < time.Hour {
					probes(t, 1, func(target string) {
						if grant, err := granted(t, s, target); err == nil {
							t.Fatalf("granted %+v", grant)
						}
					}, targetA, targetB, targetC)
				}
				tries := all(a, b, c)
				if len(tries) > 3+60 || len(tries) < 55 {
					t.Errorf("%d tries in an hour", len(tries))
				}
				for i, at := range tries {
					if i >= 3 && at.Sub(tries[i-1]) < time.Minute {
						t.Errorf("try %d %v after the one before it", i+1, at.Sub(tries[i-1]))
					}
				}
			})
		})
	}
}

func TestTheLimitInWords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{password: password}
		s := newSet(world{targetA: b, targetB: b}, byLogin(t, wrong), targetA, targetB)
		refused := `status 401 Unauthorized: {"detail": "no", "input": {"password":<secret>,"username":"ops"}}`
		var got []string
		for _, target := range []string{targetA, targetA, targetA, targetA, targetB} {
			_, err := granted(t, s, target)
			got = append(got, err.Error())
			time.Sleep(500 * time.Millisecond)
		}
		want := []string{
			"logging in at http://a: " + refused,
			"logging in at http://a: not tried before 2000-01-01T00:00:01Z; the last try failed: " + refused,
			"logging in at http://a: " + refused,
			"logging in at http://a: not tried before 2000-01-01T00:00:02Z; the last try failed: " + refused,
			"logging in at http://b: " + refused,
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		_, err := granted(t, s, targetA)
		last := "logging in at http://a: not tried before 2000-01-01T00:01:02Z, so that the account is not locked; " +
			"3 tries have failed, the last one at http://b: " + refused
		if err == nil || err.Error() != last {
			t.Errorf("%v, want\n%s", err, last)
		}
	})
}

func TestANewPasswordIsTriedAtOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	synctest.Test(t, func(t *testing.T) {
		b := &backend{password: password}
		o := byLogin(t, "")
		o.Login.PasswordFile = file
		s := newSet(world{targetA: b}, o, targetA)
		write := func(content string) {
			if err := os.WriteFile(file, []byte(content+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		ask := func(target string) { granted(t, s, target) }
		write(wrong)
		probes(t, 30, ask, targetA)
		if len(b.tries) != 3 {
			t.Fatalf("%d tries, want 3", len(b.tries))
		}
		write("another one that is wrong")
		probes(t, 25, ask, targetA)
		if len(b.tries) != 6 {
			t.Fatalf("%d tries, want 3 more", len(b.tries))
		}
		write(password)
		must(t, s, targetA)
	})
}

// A target that cannot be reached takes no tries from the account, and is tried every second.
func TestUnreachableTargets(t *testing.T) {
	for name, tt := range map[string]struct {
		gone func(world, *backend)
		want string
	}{
		"nobody listens":     {func(w world, _ *backend) { delete(w, targetA) }, "logging in at http://a: connection refused"},
		"packets are lost":   {func(w world, _ *backend) { w[targetA] = nil }, "logging in at http://a: no answer in time"},
		"a proxy without it": {func(_ world, b *backend) { b.down = 503 }, "logging in at http://a: status 503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{password: password}
				w := world{targetA: b}
				tt.gone(w, b)
				s := newSet(w, byLogin(t, password), targetA)
				probes(t, 600, func(target string) {
					if _, err := granted(t, s, target); err == nil || err.Error() != tt.want {
						t.Fatalf("%v, want %s", err, tt.want)
					}
				}, targetA)
				b.down, w[targetA] = 0, b
				must(t, s, targetA)
			})
		})
	}
}

func TestAnUnreachableTargetIsTriedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{password: password}
		w := world{}
		s := newSet(w, byLogin(t, password), targetA)
		if _, err := granted(t, s, targetA); err == nil {
			t.Fatal("granted by nobody")
		}
		w[targetA] = b
		time.Sleep(999 * time.Millisecond)
		want := "logging in at http://a: not tried before 2000-01-01T00:00:01Z; the last try failed: connection refused"
		if _, err := granted(t, s, targetA); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		time.Sleep(time.Millisecond)
		must(t, s, targetA)
	})
}

// One target that refuses the password keeps no other from its token, and is not asked more than once a minute.
func TestOneTargetRefusesThePassword(t *testing.T) {
	for _, lifetime := range []time.Duration{0, 5 * time.Second, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			a := &backend{key: "one-key", password: password, lifetime: lifetime}
			b := &backend{key: "one-key", password: "another"}
			s := newSet(world{targetA: a, targetB: b}, byLogin(t, password), targetA, targetB)
			probes(t, 1200, func(target string) {
				if grant := must(t, s, target); !a.accepts(grant.Secret) {
					t.Fatalf("%v: %s is asked with %+v", lifetime, target, grant)
				}
			}, targetA, targetB)
			if len(b.tries) > 20 {
				t.Errorf("%v: %d tries", lifetime, len(b.tries))
			}
			b.password = password
			probes(t, 601, func(target string) { must(t, s, target) }, targetA, targetB)
			if grant := must(t, s, targetA); lifetime > 0 && grant.Issuer != targetB {
				t.Errorf("%v: with its password mended, %s is still asked with its own token", lifetime, targetA)
			}
		})
	}
}

// A target that does not answer is waited for once, and not for long.
func TestADeadNeighbour(t *testing.T) {
	for name, dead := range map[string]*backend{"packets are lost": nil, "no answer": {password: password, hangs: true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &backend{key: "one-key", password: password, lifetime: 10 * time.Minute}
				s := newSet(world{targetA: a, targetB: dead}, byLogin(t, password), targetA, targetB)
				var waited time.Duration
				probes(t, 3600, func(target string) {
					start := time.Now()
					must(t, s, target)
					waited += time.Since(start)
				}, targetA)
				if want := 2500 * time.Millisecond; waited != want { // half of what the first probe had
					t.Errorf("waited %v in an hour, want %v", waited, want)
				}
			})
		})
	}
}
