package credentials_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"postflight/internal/credentials"
	"postflight/probe/httpprobe"
)

// answer is what one asker gets.
type answer struct {
	grant httpprobe.Grant
	err   error
	after time.Duration
}

// asking asks in the background for so long at most.
func asking(wg *sync.WaitGroup, s *credentials.Set, target string, patience time.Duration) *answer {
	a := new(answer)
	wg.Go(func() {
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		a.grant, a.err = s.For(target).Grant(ctx)
		a.after = time.Since(start)
	})
	return a
}

func TestThoseWhoWaitShareALogin(t *testing.T) {
	tests := []struct {
		name, password string
	}{
		{"that succeeds", password},
		{"that fails", wrong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{password: password, slow: time.Second}
				s := newSet(world{targetA: b}, byLogin(t, tt.password), targetA)
				var wg sync.WaitGroup
				var answers []*answer
				for range 50 {
					answers = append(answers, asking(&wg, s, targetA, 5*time.Second))
				}
				wg.Wait()
				for i, a := range answers {
					if a.grant.Secret != answers[0].grant.Secret || fmt.Sprint(a.err) != fmt.Sprint(answers[0].err) || a.after != time.Second {
						t.Errorf("%d: %+v, the first one %+v", i, a, answers[0])
					}
				}
				if (answers[0].err == nil) != (tt.password == password) || len(b.tries) != 1 {
					t.Errorf("%v after %d logins", answers[0].err, len(b.tries))
				}
			})
		})
	}
}

func TestALoginGoesOnForThoseWhoStillWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{password: password, slow: 3 * time.Second}
		s := newSet(world{targetA: b}, byLogin(t, password), targetA)
		var wg sync.WaitGroup
		first := asking(&wg, s, targetA, time.Second)
		synctest.Wait()
		second := asking(&wg, s, targetA, 5*time.Second)
		wg.Wait()
		if want := "logging in at http://a: no answer in time"; first.err == nil || first.err.Error() != want || first.after != time.Second {
			t.Errorf("the first: %v after %v, want %s", first.err, first.after, want)
		}
		if second.err != nil || second.after != 3*time.Second || len(b.tries) != 1 {
			t.Errorf("the second: %v after %v and %d logins", second.err, second.after, len(b.tries))
		}
	})
}

func TestALoginEndsWithTheLastWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{password: password, hangs: true}
		s := newSet(world{targetA: b}, byLogin(t, password), targetA)
		var wg sync.WaitGroup
		first, second := asking(&wg, s, targetA, time.Second), asking(&wg, s, targetA, 2*time.Second)
		wg.Wait()
		if first.after != time.Second || second.after != 2*time.Second || len(b.tries) != 1 {
			t.Errorf("after %v and %v, %d logins", first.after, second.after, len(b.tries))
		}
		if b.within != 0 {
			t.Error("it goes on for nobody")
		}
	})
}

// Who comes while a login is being given up waits for its end, and does not take it for his own.
func TestALoginThatIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{password: password, hangs: true, lingers: time.Second}
		s := newSet(world{targetA: b}, byLogin(t, password), targetA)
		var wg sync.WaitGroup
		asking(&wg, s, targetA, time.Second)
		time.Sleep(1500 * time.Millisecond)
		second := asking(&wg, s, targetA, 5*time.Second)
		time.Sleep(200 * time.Millisecond)
		third := asking(&wg, s, targetA, 100*time.Millisecond)
		wg.Wait()
		want := "logging in at http://a: not tried before 2000-01-01T00:00:03Z; the last try failed: no answer in time"
		if second.err == nil || second.err.Error() != want || second.after != 500*time.Millisecond {
			t.Errorf("the second: %v after %v, want %s", second.err, second.after, want)
		}
		want = "logging in at http://a: no time left after waiting for the login at http://a"
		if third.err == nil || third.err.Error() != want || third.after != 100*time.Millisecond {
			t.Errorf("the third: %v after %v, want %s", third.err, third.after, want)
		}
	})
}

func TestALoginHasALimitOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSet(world{targetA: {hangs: true}}, byLogin(t, password), targetA)
		start := time.Now()
		_, err := s.For(targetA).Grant(t.Context())
		if want := "logging in at http://a: nothing in time, while waiting for the answer"; err == nil || err.Error() != want || time.Since(start) != 10*time.Second {
			t.Errorf("%v after %v, want %s", err, time.Since(start), want)
		}
	})
}

// One login at a time; what is only for comparison does not queue.
func TestLoginsAreSerial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, targets := world{}, []string{}
		for i := range 20 {
			target := fmt.Sprintf("http://%02d", i)
			w[target], targets = &backend{key: "one-key", password: password, slow: 100 * time.Millisecond}, append(targets, target)
		}
		var within, most, logins int
		var mu sync.Mutex
		for _, b := range w {
			b.watch = func(change int) {
				mu.Lock()
				defer mu.Unlock()
				within += change
				most, logins = max(most, within), logins+max(0, change)
			}
		}
		s := newSet(w, byLogin(t, password), targets...)
		for range 30 {
			var wg sync.WaitGroup
			var answers []*answer
			for _, target := range targets {
				answers = append(answers, asking(&wg, s, target, 5*time.Second))
			}
			wg.Wait()
			for _, a := range answers {
				if a.err != nil || a.after > time.Second {
					t.Errorf("%v after %v", a.err, a.after)
				}
			}
			time.Sleep(time.Second)
		}
		if most != 1 || logins != len(targets) {
			t.Errorf("%d at once, %d in all; want one a target", most, logins)
		}
	})
}

func TestWaitingBehindAnotherTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := &backend{hangs: true}, &backend{password: password}
		s := newSet(world{targetA: a, targetB: b}, byLogin(t, password), targetA, targetB)
		var wg sync.WaitGroup
		asking(&wg, s, targetA, 3*time.Second)
		synctest.Wait()
		hurried, patient := asking(&wg, s, targetB, time.Second), asking(&wg, s, targetB, 5*time.Second)
		wg.Wait()
		want := "logging in at http://b: no time left after waiting for the login at http://a"
		if hurried.err == nil || hurried.err.Error() != want || hurried.after != time.Second {
			t.Errorf("%v after %v, want %s", hurried.err, hurried.after, want)
		}
		if patient.err != nil || patient.after != 3*time.Second {
			t.Errorf("%v after %v", patient.err, patient.after)
		}
	})
}

// Who has no time left starts no login, neither at the target nor at the next.
func TestTooLateToLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{password: password}
		s := newSet(world{targetB: b}, byLogin(t, password), targetA, targetB)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.For(targetA).Grant(ctx)
		if want := "logging in at http://a: no answer in time"; err == nil || err.Error() != want || len(b.tries) != 0 {
			t.Errorf("%v after %d logins, want %s", err, len(b.tries), want)
		}
	})
}

// Everything at once: grants, refusals, targets that come and go, sessions that are ended, askers that give up.
func TestStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, targets := world{}, []string{}
		for i := range 5 {
			target := fmt.Sprintf("http://%d", i)
			w[target] = &backend{key: "one-key", password: password, lifetime: 3 * time.Second, slow: 50 * time.Millisecond}
			targets = append(targets, target)
		}
		s := newSet(w, byLogin(t, password), targets...)
		granted := 0
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 50 {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			wg.Go(func() {
				for range 100 {
					target := targets[random.IntN(len(targets))]
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(random.IntN(400))*time.Millisecond)
					grant, err := s.For(target).Grant(ctx)
					switch {
					case err == nil && random.IntN(4) == 0:
						s.For(target).Refused(ctx, grant)
					case random.IntN(100) == 0:
						w[target].revoke()
					case random.IntN(100) == 0:
						s.SetTargets(targets[random.IntN(len(targets)):])
					case random.IntN(20) == 0:
						s.SetTargets(targets)
					}
					cancel()
					if err == nil {
						mu.Lock()
						granted++
						mu.Unlock()
					}
					time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
				}
			})
		}
		wg.Wait()
		if granted < 2500 {
			t.Errorf("%d granted of 5000", granted)
		}
		s.SetTargets(targets)
		time.Sleep(time.Minute)
		for _, target := range targets {
			grant := must(t, s, target)
			if issuer := w[cmp.Or(grant.Issuer, target)]; !issuer.accepts(grant.Secret) {
				t.Errorf("%s: %+v is not accepted", target, grant)
			}
		}
		for target, b := range w {
			if b.overlap {
				t.Errorf("%s: two logins at once", target)
			}
		}
	})
}
