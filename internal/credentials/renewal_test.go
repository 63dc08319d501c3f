package credentials_test

import (
	"cmp"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"postflight/probe"
)

// A token is renewed when it is asked for, a tenth of its life before its end, counted by its issuer's clock.
func TestWhenATokenIsRenewed(t *testing.T) {
	tests := []struct {
		name    string
		backend *backend
		want    time.Duration // after the first login; 0: never
	}{
		{"half an hour", &backend{lifetime: 30 * time.Minute}, 29*time.Minute + 30*time.Second},
		{"a day", &backend{lifetime: 24 * time.Hour}, 24*time.Hour - 30*time.Second},
		{"100 s", &backend{lifetime: 100 * time.Second}, 90 * time.Second},
		{"10 s", &backend{lifetime: 10 * time.Second}, 8 * time.Second},
		{"4 s", &backend{lifetime: 4 * time.Second}, 2 * time.Second},
		{"2 s", &backend{lifetime: 2 * time.Second}, time.Second},
		{"not a JWT", &backend{}, 0},
		{"a clock that is ahead", &backend{lifetime: 100 * time.Second, skew: time.Hour}, 90 * time.Second},
		{"a clock that is behind", &backend{lifetime: 100 * time.Second, skew: -time.Hour}, 90 * time.Second},
		{"a clock that is not told", &backend{lifetime: 100 * time.Second, undated: true}, 90 * time.Second},
		{"a clock that is behind, and not told", &backend{lifetime: 100 * time.Second, undated: true, skew: -time.Hour}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := tt.backend
				b.password, b.key = password, "key"
				s := newSet(world{targetA: b}, byLogin(t, password), targetA)
				start := time.Now()
				for range 101 {
					must(t, s, targetA)
					if len(b.tries) > 1 {
						break
					}
					time.Sleep(cmp.Or(tt.want/100, time.Hour))
				}
				got := time.Duration(0)
				if len(b.tries) > 1 {
					got = b.tries[1].Sub(start)
				}
				if got != tt.want {
					t.Errorf("renewed after %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// However short their lives, no target is ever asked with a token that has expired.
func TestTokensThatExpireEveryFewSeconds(t *testing.T) {
	for _, lifetime := range []time.Duration{2 * time.Second, 3 * time.Second, 5 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			a := &backend{key: "one-key", password: password, lifetime: lifetime, slow: 100 * time.Millisecond}
			b := &backend{key: "one-key", password: password, lifetime: lifetime, skew: time.Hour, slow: 300 * time.Millisecond}
			s := newSet(world{targetA: a, targetB: b}, byLogin(t, password), targetA, targetB)
			foreign := 0
			for range 600 {
				for target, asked := range map[string]*backend{targetA: a, targetB: b} {
					grant := must(t, s, target)
					issuer := asked
					if grant.Issuer != "" {
						foreign++
						issuer = map[string]*backend{targetA: a, targetB: b}[grant.Issuer]
					}
					if !issuer.accepts(grant.Secret) {
						t.Fatalf("lifetime %v: %s is asked with a token of %q that has expired", lifetime, target, grant.Issuer)
					}
				}
				time.Sleep(time.Second)
			}
			if foreign < 1190 {
				t.Errorf("lifetime %v: only %d of 1200 grants were another's", lifetime, foreign)
			}
			if most := int(2 * 10 * time.Minute / lifetime); len(a.tries) > most {
				t.Errorf("lifetime %v: %d logins, want %d at most", lifetime, len(a.tries), most)
			}
		})
	}
}

// While it cannot be renewed a token is used for as long as it is valid, and no longer.
func TestRenewalThatFails(t *testing.T) {
	for name, broken := range map[string]func(world, *backend){
		"nobody listens":           func(w world, _ *backend) { delete(w, targetA) },
		"the password has changed": func(_ world, b *backend) { b.password = "new" },
		"no answer":                func(_ world, b *backend) { b.hangs = true },
		"a proxy without it":       func(_ world, b *backend) { b.down = 502 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{key: "key", password: password, lifetime: 10 * time.Minute}
				w := world{targetA: b}
				s := newSet(w, byLogin(t, password), targetA)
				first := must(t, s, targetA)
				start := time.Now()
				broken(w, b)
				for time.Since(start) < 590*time.Second {
					if grant := must(t, s, targetA); grant.Secret != first.Secret {
						t.Fatalf("after %v another token", time.Since(start))
					}
					time.Sleep(time.Second)
				}
				time.Sleep(20 * time.Second)
				if grant, err := granted(t, s, targetA); err == nil {
					t.Errorf("after its end: %+v", grant)
				}
				b.password, b.hangs, b.down, w[targetA] = password, false, 0, b
				time.Sleep(time.Minute)
				if grant := must(t, s, targetA); grant.Secret == first.Secret {
					t.Error("the old token, once it can be renewed")
				}
			})
		})
	}
}

// After a refusal a token is renewed once, and not again within a minute.
func TestRefusedToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{key: "key", password: password}
		s := newSet(world{targetA: b}, byLogin(t, password), targetA)
		first := must(t, s, targetA)
		time.Sleep(10 * time.Second)
		b.revoke()
		second, more := s.For(targetA).Refused(t.Context(), first)
		if !more || !b.accepts(second.Secret) {
			t.Fatalf("after a refusal: %v, %+v", more, second)
		}
		if diff := gocmp.Diff([]probe.Login{{Credentials: "admin", Target: targetA, Success: true}}, second.Logins); diff != "" {
			t.Errorf("logins (-want +got):\n%s", diff)
		}
		if third, more := s.For(targetA).Refused(t.Context(), first); !more || third.Secret != second.Secret {
			t.Errorf("one that comes late with the first: %v, %+v; want the second", more, third)
		}
		time.Sleep(50 * time.Second)
		if third, more := s.For(targetA).Refused(t.Context(), second); more {
			t.Errorf("renewed again: %+v", third)
		}
		if again := must(t, s, targetA); again.Secret != second.Secret {
			t.Error("another token, though it could not be had")
		}
		time.Sleep(10 * time.Second)
		if third, more := s.For(targetA).Refused(t.Context(), second); !more || third.Secret == second.Secret {
			t.Errorf("after a minute: %v, %+v", more, third)
		}
		if len(b.tries) != 3 {
			t.Errorf("%d logins, want 3", len(b.tries))
		}
	})
}

// What has been renewed since it was sent needs no login.
func TestRefusedTokenThatHasBeenRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{key: "key", password: password, lifetime: 100 * time.Second}
		s := newSet(world{targetA: b}, byLogin(t, password), targetA)
		first := must(t, s, targetA)
		time.Sleep(90 * time.Second)
		second := must(t, s, targetA)
		time.Sleep(10 * time.Second)
		instead, more := s.For(targetA).Refused(t.Context(), first)
		if !more || instead.Secret != second.Secret || len(b.tries) != 2 {
			t.Errorf("%v, %+v after %d logins; want the second token", more, instead, len(b.tries))
		}
	})
}

// A token that its issuer refuses, and that cannot be renewed, is not tried again; the error says why there is none.
func TestRefusedTokenThatCannotBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{key: "key", password: password}
		w := world{targetA: b}
		s := newSet(w, byLogin(t, password), targetA)
		first := must(t, s, targetA)
		time.Sleep(time.Hour)
		delete(w, targetA)
		grant, more := s.For(targetA).Refused(t.Context(), first)
		if more {
			t.Errorf("something else: %+v", grant)
		}
		if diff := gocmp.Diff([]probe.Login{{Credentials: "admin", Target: targetA}}, grant.Logins); diff != "" {
			t.Errorf("logins (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second)
		_, err := granted(t, s, targetA)
		if want := "logging in at http://a: connection refused"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	})
}

func TestTokensOfDroppedTargetsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &backend{key: "a", password: password}, &backend{key: "b", password: password}
		s := newSet(world{targetA: a, targetB: b}, byLogin(t, password), targetA, targetB)
		must(t, s, targetA)
		s.SetTargets([]string{targetA})
		if grant := must(t, s, targetA); grant.Issuer != "" {
			t.Errorf("a token of %s, which has been dropped", grant.Issuer)
		}
		_, err := granted(t, s, targetB)
		if want := "logging in at http://b: it is none of the targets any more"; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		s.SetTargets([]string{targetA, targetB, targetA})
		if grant := must(t, s, targetA); grant.Issuer != targetB {
			t.Errorf("a token of %q, want one of the target that is back", grant.Issuer)
		}
		if len(a.tries) != 1 || len(b.tries) != 2 {
			t.Errorf("%d logins at a, %d at b; want 1, 2", len(a.tries), len(b.tries))
		}
	})
}
