package deployment_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/hook"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

var policy = verdict.Policy{SettleTimeout: time.Minute, Window: 30 * time.Second, Interval: time.Second, Consecutive: 5}

var (
	health = probe.Check{Key: probe.Key{Service: "proxy", Target: "http://127.0.0.1:8000", Check: "health"}, Critical: true, Interval: time.Second}
	proxy  = probe.Key{Service: "proxy", Unit: "proxy.service"}
	worker = probe.Key{Service: "proxy", Unit: "worker.service"}
)

// host is a machine with one service of one check and two units, and a postflight that looks at it. It is for one synctest
// bubble.
type host struct {
	t     *testing.T
	rules deployment.Rules
	store *state.Store
	desk  *deployment.Desk
	kept  func()

	unconfigured bool            // the service has no rules
	patterns     []probe.Pattern // that the units' logs are read for; none: they are not read
	failed       bool            // the check, before all deployments

	told []string // states of verifications and rollbacks, in their order

	mu      sync.Mutex // guards what follows
	v       []*deployment.Verification
	outcome probe.Outcome
	runs    int // of units

	stop func() // postflight
}

func newHost(t *testing.T, rules deployment.Rules, patterns ...probe.Pattern) *host {
	if rules.Policy == (verdict.Policy{}) {
		rules.Policy = policy
	}
	h := &host{t: t, rules: rules, kept: func() {}, patterns: patterns}
	h.boot(nil)
	h.read(proxy, "active", "")
	h.read(worker, "active", "")
	return h
}

// boot starts a postflight with what was saved.
func (h *host) boot(saved []byte) {
	h.t.Helper()
	h.store = state.New()
	if saved != nil {
		if err := h.store.Restore(saved); err != nil {
			h.t.Fatal(err)
		}
	}
	h.store.Apply([]state.Service{{
		Name: "proxy", Checks: []probe.Check{health}, Units: []string{proxy.Unit, worker.Unit}, Release: "file VERSION", Patterns: h.patterns,
	}})
	h.store.Subscribe(h.fold)
	h.desk = deployment.New(deployment.Options{
		Store: h.store, Begin: h.begin, End: h.end, Kept: func() { h.kept() }, Tell: h.tell,
		Rules: func(string) (deployment.Rules, bool) { return h.rules, !h.unconfigured },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.desk.Run(ctx) })
	running.Go(func() { h.look(ctx) })
	h.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	h.t.Cleanup(h.stop)
}

// kill ends postflight at once, and starts it again after some time. What was saved is what was folded last before that.
func (h *host) kill(after time.Duration) {
	h.t.Helper()
	saved := h.store.Save()
	h.stop()
	time.Sleep(after)
	h.boot(saved)
}

// look runs the check once a second.
func (h *host) look(ctx context.Context) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		h.mu.Lock()
		r := probe.Result{Key: health.Key, Start: time.Now(), Outcome: h.outcome}
		h.mu.Unlock()
		if r.Outcome == probe.Fail {
			r.Reason, r.Status, r.Wanted, r.Got = probe.ReasonStatus, 500, "status 200", "status 500"
		}
		h.store.Fold(r)
	}
}

func (h *host) answers(outcome probe.Outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outcome = outcome
}

func (h *host) begin(p deployment.Plan) (*deployment.Verification, error) {
	plan := p.Verdict()
	plan.Checks = []verdict.PlannedCheck{{Check: health, Timeout: time.Second}}
	plan.Units = []string{proxy.Unit, worker.Unit}
	if h.failed && p.Resumed == nil { // whoever begins knows it as long as it runs
		plan.Checks[0].Before = &probe.Result{Key: health.Key, Outcome: probe.Fail, Reason: probe.ReasonStatus, Status: 500}
	}
	v, err := deployment.NewVerification(plan, p.Resumed)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.v = append(h.v, v)
	h.mu.Unlock()
	v.Remember(h.store.Snapshot(time.Now()).Services[0].Units)
	return v, nil
}

func (h *host) end(v *deployment.Verification) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.v = slices.DeleteFunc(h.v, func(other *deployment.Verification) bool { return other == v })
}

func (h *host) fold(event state.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, v := range h.v {
		v.Fold(event)
	}
}

func (h *host) tell(d verdict.Document) {
	h.told = append(h.told, fmt.Sprintf("%s %s %s", d.Release, d.State, d.Rollback.State))
}

// read folds a reading of a unit. A trigger is what caused a new start; empty: there was none.
func (h *host) read(unit probe.Key, active string, trigger state.Trigger) {
	u := probe.Unit{LoadState: "loaded", ActiveState: active, SubState: "running", BootID: "first", InvocationID: unit.Unit, ActiveEnter: time.Now()}
	for _, known := range h.store.Snapshot(time.Now()).Services[0].Units {
		if last := known.Last.Unit; known.Key == unit && last != nil {
			u = *last
		} else if known.Key == unit && known.Run != "" {
			u.InvocationID, u.NRestarts = known.Run, uint32(known.Restarts)
		}
	}
	entered := active == "active" && (trigger != "" || u.ActiveState != active)
	u.ActiveState = active
	if trigger != "" {
		h.runs++
		u.InvocationID = fmt.Sprint(h.runs)
	}
	if entered {
		u.ActiveEnter = time.Now()
	}
	switch trigger {
	case state.Automatic:
		u.NRestarts++
	case state.Boot:
		u.BootID, u.AtBoot, u.NRestarts = "second", true, 0
	}
	h.store.Fold(probe.Result{Key: unit, Start: time.Now(), Unit: &u})
}

// start starts the service by hand, as a deploy script does, and gives postflight the time to see it. systemd tells of the
// new run before it is active: with it comes when the run before became so.
func (h *host) start() {
	h.read(proxy, "inactive", state.Manual)
	h.read(proxy, "active", "")
	time.Sleep(time.Millisecond)
}

func (h *host) release(name string) {
	h.store.FoldRelease("proxy", name, time.Now())
	time.Sleep(time.Millisecond)
}

func (h *host) announce(release string) string {
	h.t.Helper()
	doc, _, err := h.desk.Announce(deployment.Announcement{Service: "proxy", Release: release, Source: verdict.API})
	if err != nil {
		h.t.Fatal(err)
	}
	return doc.ID
}

// settle waits until no verification and no rollback can be running any more.
func (h *host) settle() { time.Sleep(10 * time.Minute) }

// history is what is known of the deployments, a line each, the oldest first.
func (h *host) history() string {
	h.t.Helper()
	docs, err := h.desk.Deployments("proxy")
	if err != nil {
		h.t.Fatal(err)
	}
	lines := make([]string, len(docs))
	for i, d := range docs {
		line := []string{d.Source, d.Release, string(d.State), string(d.Reason)}
		if d.Rollback.State != verdict.NoRollback {
			line = append(line, "rollback", string(d.Rollback.State))
		}
		if d.RollbackOf != "" {
			line = append(line, "after a rollback")
		}
		line = slices.DeleteFunc(line, func(word string) bool { return word == "" })
		lines[len(docs)-1-i] = strings.Join(line, " ")
	}
	return strings.Join(lines, "; ")
}

// runs is a hook that is run without a shell of its own but for this.
func runs(script string, on ...string) *hook.Hook {
	return &hook.Hook{Command: []string{"/bin/sh", "-c", script}, Timeout: time.Minute, On: on}
}

func (h *host) pause(long time.Duration) {
	h.t.Helper()
	if _, err := h.desk.Pause("proxy", long); err != nil {
		h.t.Fatal(err)
	}
}
