package deployment_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"postflight/internal/deployment"
)

func TestPause(t *testing.T) {
	for _, row := range []struct {
		name  string
		story func(h *host)
		want  string
	}{
		{"while a verification runs", func(h *host) { h.announce("2"); time.Sleep(time.Second); h.pause(time.Hour) }, "api 2 inconclusive paused"},
		{"and then an announcement", func(h *host) { h.pause(time.Hour); h.announce("2") }, "api 2 inconclusive paused"},
		{"and then a start", func(h *host) { h.pause(time.Hour); h.start() }, ""},
		{"that is over, and then a start", func(h *host) { h.pause(time.Minute); time.Sleep(61 * time.Second); h.start() }, "detected passed"},
		{"that was ended, and then a start", func(h *host) { h.pause(time.Hour); h.pause(0); h.start() }, "detected passed"},
		{"that was prolonged, and then a start", func(h *host) {
			h.pause(time.Minute)
			h.pause(time.Hour)
			time.Sleep(2 * time.Minute)
			h.start()
		}, ""},
		{"that outlives postflight, and then a start", func(h *host) { h.pause(time.Hour); h.kill(time.Minute); h.start() }, ""},
		{"that ends nothing that runs", func(h *host) { h.announce("2"); time.Sleep(time.Second); h.pause(0) }, "api 2 passed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, deployment.Rules{Detect: deployment.DetectRestart})
				time.Sleep(time.Second)
				row.story(h)
				time.Sleep(5 * time.Minute)
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				h.stop()
			})
		})
	}
}

func TestAPauseEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		until, err := h.desk.Pause("proxy", time.Minute)
		if want := time.Now().Add(time.Minute); err != nil || !until.Equal(want) {
			t.Errorf("until %v, %v; want %v", until, err, want)
		}
		paused := func() bool { return !h.store.Snapshot(time.Now()).Services[0].PausedUntil.IsZero() }
		time.Sleep(59 * time.Second)
		if !paused() {
			t.Error("it is over already")
		}
		time.Sleep(time.Second)
		if paused() {
			t.Error("it goes on")
		}
		h.stop()
	})
}

func TestWhatCannotBePaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		if _, err := h.desk.Pause("other", time.Minute); !errors.Is(err, deployment.ErrUnknownService) {
			t.Error(err)
		}
		if _, err := h.desk.Pause("proxy", -time.Minute); err == nil {
			t.Error("a pause of less than nothing")
		}
		h.stop()
	})
}
