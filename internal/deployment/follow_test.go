package deployment_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// follow is what is told of a verification after an event, in words, and the ids.
func (h *host) follow(id string, after uint64) (words []string, ids []uint64) {
	h.t.Helper()
	err := h.desk.Follow(h.t.Context(), id, after, func(e deployment.Event) error {
		var all struct {
			State, Outcome, Check, Unit string
			Restarts                    int
			Causes                      []verdict.Finding
		}
		if err := json.Unmarshal(e.Data, &all); err != nil {
			return err
		}
		word := e.Type + " " + all.State
		switch e.Type {
		case "check":
			word = e.Type + " " + all.Check + " " + all.Outcome
		case "unit":
			word = fmt.Sprintf("%s %s %s %d", e.Type, all.Unit, all.State, all.Restarts)
		}
		if len(all.Causes) > 0 {
			word += fmt.Sprintf(" %s with evidence %t", all.Causes[0].Cause, len(all.Causes[0].Evidence) > 0)
		}
		words, ids = append(words, word), append(ids, e.ID)
		return nil
	})
	if err != nil {
		h.t.Error(err)
	}
	return words, ids
}

func TestAVerificationIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		id := h.announce("2")
		go func() {
			time.Sleep(10500 * time.Millisecond)
			h.answers(probe.Fail)
			time.Sleep(5 * time.Second)
			h.answers(probe.Pass)
			time.Sleep(3 * time.Second)
			h.read(worker, "active", state.Automatic)
		}()
		want := []string{
			"state settling", "check health pass", "state observing", "check health fail", "check health pass",
			"unit worker.service active 1", "state failed crash_loop with evidence false", "verdict failed crash_loop with evidence true",
		}
		words, ids := h.follow(id, 0)
		if diff := cmp.Diff(want, words); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for i, id := range ids {
			if id != uint64(i)+1 {
				t.Errorf("ids %v", ids)
				break
			}
		}
		h.settle()
		words, later := h.follow(id, ids[len(ids)-3])
		if diff := cmp.Diff(want[len(want)-2:], words); diff != "" {
			t.Errorf("when it was decided long ago (-want +got)\n%s", diff)
		}
		if later[0] <= ids[len(ids)-1] {
			t.Errorf("ids went on with %v after %v", later, ids)
		}
		h.stop()
	})
}

// Who lost the connection goes on where they were, over a restart as well.
func TestFollowingGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		id := h.announce("2")
		time.Sleep(10 * time.Second)
		first, cancel := context.WithCancel(t.Context())
		var last uint64
		err := h.desk.Follow(first, id, 0, func(e deployment.Event) error {
			if last = e.ID; last == 3 {
				cancel()
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		h.kill(time.Second)
		go func() {
			time.Sleep(500 * time.Millisecond)
			h.read(proxy, "active", "")
			h.read(worker, "active", "")
		}()
		words, ids := h.follow(id, last)
		want := []string{"state settling",
			"unit proxy.service active 0", "unit worker.service active 0", "check health pass", "state observing"}
		if diff := cmp.Diff(want, words[:len(want)]); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if ids[0] <= last {
			t.Errorf("id %d after %d", ids[0], last)
		}
		h.stop()
	})
}

// Of a check that comes and goes only so many events are kept; but how the verification stands is always told.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{Policy: verdict.Policy{SettleTimeout: time.Hour, Window: time.Hour, Interval: time.Second, Consecutive: 5}})
		id := h.announce("2")
		for range 1500 {
			time.Sleep(time.Second)
			h.answers(probe.Fail)
			time.Sleep(time.Second)
			h.answers(probe.Pass)
		}
		var events []deployment.Event
		enough := errors.New("enough")
		err := h.desk.Follow(t.Context(), id, 0, func(e deployment.Event) error {
			events = append(events, e)
			if len(events) == 901 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Error(err)
		}
		if events[0].Type != "state" || events[1].ID <= events[0].ID+1 {
			t.Errorf("it begins with %s %d, and goes on with %d", events[0].Type, events[0].ID, events[1].ID)
		}
		h.stop()
	})
}

// When postflight stops nobody is kept waiting.
func TestStoppingEndsFollowing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		id := h.announce("2")
		ended := make(chan error)
		go func() {
			ended <- h.desk.Follow(t.Context(), id, 0, func(deployment.Event) error { return nil })
		}()
		time.Sleep(5 * time.Second)
		before := time.Now()
		h.stop()
		if err := <-ended; err == nil {
			t.Error("it ended as if the verdict had been told")
		}
		if waited := time.Since(before); waited > 0 {
			t.Errorf("stopping took %v", waited)
		}
		if got, want := h.history(), "api 2 observing"; got != want {
			t.Errorf("afterwards it is %q, want %q", got, want)
		}
		if _, _, err := h.desk.Announce(deployment.Announcement{Service: "proxy"}); err == nil {
			t.Error("it takes up deployments")
		}
	})
}

func TestWhatIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		if _, _, err := h.desk.Announce(deployment.Announcement{Service: "other"}); !errors.Is(err, deployment.ErrUnknownService) {
			t.Error(err)
		}
		if _, err := h.desk.Deployment("none"); !errors.Is(err, deployment.ErrUnknownDeployment) {
			t.Error(err)
		}
		if _, err := h.desk.Deployments("other"); !errors.Is(err, deployment.ErrUnknownService) {
			t.Error(err)
		}
		if err := h.desk.Follow(t.Context(), "none", 0, nil); !errors.Is(err, deployment.ErrUnknownDeployment) {
			t.Error(err)
		}
		h.stop()
	})
}
