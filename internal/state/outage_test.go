package state_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/state"
	"postflight/probe"
)

// auth is a second check that decides.
var auth = probe.Check{Key: probe.Key{Service: "shop", Target: "http://10.0.0.1", Check: "auth"}, Critical: true}

// deciding has two checks that decide, one that does not, and a unit.
func deciding() state.Service {
	return state.Service{Name: "shop", Checks: []probe.Check{health, auth, monitor}, Units: []string{"shop.service"}}
}

func checked(check probe.Check, at float64, outcome probe.Outcome) step {
	return func(s *story) { s.store.Fold(probe.Result{Key: check.Key, Start: seconds(at), Outcome: outcome}) }
}

// allWell has all of them looked at in the seconds before.
func allWell(at float64) step {
	return func(s *story) {
		for _, check := range []probe.Check{health, auth, monitor} {
			checked(check, at-1, probe.Pass)(s)
		}
		saw(look{at: at, state: up, invocation: fmt.Sprint(at)})(s)
	}
}

func reloaded(services ...state.Service) step { return func(s *story) { s.store.Apply(services) } }

func TestRecovery(t *testing.T) {
	optional := health
	optional.Critical = false
	for _, row := range []struct {
		name  string
		steps []step
		want  []float64 // how long the service failed, each time, in seconds
	}{
		{"all is well", []step{allWell(1), allWell(15)}, nil},
		{"a check fails and passes", []step{allWell(1), checked(health, 15, probe.Fail), checked(health, 45, probe.Pass)}, []float64{30}},
		{"a warning is well", []step{allWell(1), checked(health, 15, probe.Fail), checked(health, 45, probe.Warn), checked(health, 60, probe.Pass)}, []float64{30}},
		{"it fails from the start", []step{checked(health, 1, probe.Fail), checked(health, 16, probe.Pass), allWell(31)}, []float64{30}},
		{"it still fails", []step{allWell(1), checked(health, 15, probe.Fail), checked(health, 30, probe.Fail)}, nil},
		{"one after the other", []step{
			allWell(1), checked(health, 15, probe.Fail), checked(auth, 16, probe.Fail), checked(health, 30, probe.Pass), checked(auth, 75, probe.Pass),
		}, []float64{60}},
		{"twice", []step{
			allWell(1), checked(health, 15, probe.Fail), checked(health, 20, probe.Pass), checked(auth, 60, probe.Fail), checked(auth, 70, probe.Pass),
		}, []float64{5, 10}},
		{"a check that does not decide", []step{allWell(1), checked(monitor, 15, probe.Fail), checked(monitor, 45, probe.Pass)}, nil},
		{"what cannot be measured does not begin it", []step{allWell(1), checked(health, 15, probe.Error), checked(health, 45, probe.Pass)}, nil},
		{"nor end it", []step{
			allWell(1), checked(health, 15, probe.Fail), checked(health, 30, probe.Error), checked(auth, 45, probe.Pass), checked(health, 60, probe.Pass),
		}, []float64{45}},
		{"nor does another that cannot be measured let it end", []step{
			allWell(1), checked(auth, 10, probe.Error), checked(health, 15, probe.Fail), checked(health, 30, probe.Pass), checked(auth, 70, probe.Pass),
		}, []float64{55}},
		{"a clock that was set back", []step{allWell(1), checked(health, 15, probe.Fail), checked(health, 5, probe.Pass)}, []float64{0}},

		{"a crash, and its restart", []step{
			allWell(1), saw(look{at: 10, state: waits, invocation: "a"}), saw(look{at: 20, n: 1, state: up, invocation: "b"}),
		}, []float64{10}},
		{"a crash whose checks fail for longer", []step{
			allWell(1), saw(look{at: 10, state: waits, invocation: "a"}), checked(health, 12, probe.Fail),
			saw(look{at: 20, n: 1, state: up, invocation: "b"}), checked(health, 27, probe.Pass),
		}, []float64{17}},
		{"a unit that failed, and is started", []step{
			allWell(1), saw(look{at: 10, state: "failed/failed", invocation: "a"}), saw(look{at: 70, state: "activating/start", invocation: "b"}),
			saw(look{at: 71, state: up, invocation: "b"}),
		}, []float64{61}},
		{"a unit that is stopped has not failed", []step{
			allWell(1), saw(look{at: 10, state: "inactive/dead"}), saw(look{at: 70, state: up, invocation: "b"}),
		}, nil},
		{"one that failed and is stopped is not well", []step{
			allWell(1), saw(look{at: 10, state: "failed/failed", invocation: "a"}), saw(look{at: 30, state: "inactive/dead"}), checked(health, 40, probe.Pass),
			saw(look{at: 70, state: up, invocation: "b"}),
		}, []float64{60}},
		{"the bus is lost meanwhile", []step{
			allWell(1), saw(look{at: 10, state: "failed/failed", invocation: "a"}), lost(20), checked(health, 40, probe.Pass),
			saw(look{at: 70, state: up, invocation: "b"}),
		}, []float64{60}},
		{"the bus is lost", []step{allWell(1), lost(20), saw(look{at: 70, state: up, invocation: "b"})}, nil},
		{"a crash loop is one, although the unit runs in between", []step{
			allWell(1),
			saw(look{at: 10, state: waits, invocation: "a"}), saw(look{at: 11, n: 3, state: up, invocation: "b"}),
			saw(look{at: 12, n: 3, state: waits, invocation: "b"}), saw(look{at: 13, n: 4, state: up, invocation: "c"}),
			saw(look{at: 100, n: 4, state: up, invocation: "c"}), saw(look{at: 330, n: 4, state: up, invocation: "c"}),
		}, []float64{320}},

		{"a reload in between", []step{allWell(1), checked(health, 15, probe.Fail), reloaded(deciding()), checked(health, 45, probe.Pass)}, []float64{30}},
		{"a reload, and then a crash", []step{
			allWell(1), reloaded(deciding()), saw(look{at: 10, state: waits, invocation: "a"}), saw(look{at: 11, state: waits, invocation: "a"}),
			saw(look{at: 20, n: 1, state: up, invocation: "b"}),
		}, []float64{10}},
		{"a reload after which the check no longer decides", []step{
			allWell(1), checked(health, 15, probe.Fail), reloaded(state.Service{Name: "shop", Checks: []probe.Check{optional, auth}}), checked(auth, 45, probe.Pass),
		}, []float64{30}},
		{"a reload after which it does", []step{
			reloaded(state.Service{Name: "shop", Checks: []probe.Check{optional, auth}}), checked(auth, 1, probe.Pass), checked(health, 2, probe.Fail),
			reloaded(state.Service{Name: "shop", Checks: []probe.Check{health, auth}}), checked(auth, 15, probe.Pass), checked(health, 45, probe.Pass),
		}, []float64{30}},
		{"a reload that adds a check", []step{
			reloaded(state.Service{Name: "shop", Checks: []probe.Check{health}}), checked(health, 1, probe.Fail),
			reloaded(state.Service{Name: "shop", Checks: []probe.Check{health, auth}}), checked(health, 15, probe.Pass), checked(auth, 45, probe.Pass),
		}, []float64{44}},
		{"a reload after which nothing decides", []step{
			checked(health, 1, probe.Fail), reloaded(state.Service{Name: "shop", Checks: []probe.Check{monitor}}), checked(monitor, 2, probe.Pass),
			reloaded(deciding()), allWell(60),
		}, nil},

		{"postflight is stopped meanwhile", []step{allWell(1), checked(health, 15, probe.Fail), saveAndRestart, allWell(75)}, []float64{60}},
		{"and again, and has not seen all of it yet", []step{
			allWell(1), checked(health, 15, probe.Fail), saveAndRestart, checked(auth, 20, probe.Pass), saveAndRestart, checked(health, 30, probe.Fail),
			checked(auth, 31, probe.Pass), saw(look{at: 32, state: up, invocation: "a"}), checked(health, 75, probe.Pass),
		}, []float64{60}},
		{"it counts on", []step{
			allWell(1), checked(health, 15, probe.Fail), checked(health, 20, probe.Pass), saveAndRestart, allWell(25), checked(auth, 60, probe.Fail), checked(auth, 70, probe.Pass),
		}, []float64{5, 10}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := &story{store: applied(deciding()), t: t}
			for _, step := range row.steps {
				step(s)
			}
			want, bounds := state.Histogram{}, state.DurationBounds
			for _, took := range row.want {
				i := 0
				for i < len(bounds) && took > bounds[i] {
					i++
				}
				want.Counts[i]++
				want.Sum += took
			}
			if diff := cmp.Diff(want, deploymentsOf(s.store).Recovery); diff != "" {
				t.Errorf("recovery (-want +got):\n%s", diff)
			}
		})
	}
}

// saveAndRestart has postflight stopped, and another one take up what it saved.
func saveAndRestart(s *story) {
	text := s.store.Save()
	s.store = state.New()
	if err := s.store.Restore(text); err != nil {
		s.t.Fatal(err)
	}
	s.store.Apply([]state.Service{deciding()})
}
