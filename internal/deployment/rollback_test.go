package deployment_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/deployment"
	"postflight/internal/hook"
	"postflight/internal/verdict"
	"postflight/probe"
)

// What is run after a failed verdict, how often, and what it comes to.
func TestRollback(t *testing.T) {
	const ran, other = `echo "$POSTFLIGHT_ID" >>"$RAN"`, "detected"
	failing := func(h *host) { h.answers(probe.Fail); h.announce("2") }
	for _, row := range []struct {
		name   string
		script string
		on     string // the sources; empty: api
		story  func(h *host)
		want   string
		runs   int
	}{
		{"a verdict that is not failed", ran, "", func(h *host) { h.announce("2") }, "api 2 passed", 0},
		{"that mends it", ran, "",
			func(h *host) { failing(h); time.Sleep(61 * time.Second); h.answers(probe.Pass) },
			"api 2 failed rollback succeeded; api passed after a rollback", 1},
		{"that does not", ran, "", failing, "api 2 failed rollback failed; api failed after a rollback", 1},
		{"that fails itself", ran + "; exit 1", "", failing, "api 2 failed rollback failed", 1},
		{"for other sources", ran, other, failing, "api 2 failed", 0},
		{"by who announced it", ran, "", func(h *host) {
			h.answers(probe.Fail)
			if _, _, err := h.desk.Announce(deployment.Announcement{Service: "proxy", Release: "2", Source: verdict.API, SkipHook: true}); err != nil {
				h.t.Error(err)
			}
		}, "api 2 failed", 0},
		{"by who announced it again", ran, "", func(h *host) {
			failing(h)
			if _, known, err := h.desk.Announce(deployment.Announcement{Service: "proxy", Source: verdict.CLI, SkipHook: true}); err != nil || !known {
				h.t.Error(known, err)
			}
		}, "api 2 failed", 0},
		{"that starts the service, is no deployment", ran, "", func(h *host) {
			failing(h)
			time.Sleep(61 * time.Second)
			h.start()
			h.answers(probe.Pass)
			time.Sleep(80 * time.Second)
			h.start()
		}, "api 2 failed rollback succeeded; api passed after a rollback", 1},
		{"and a deployment long after", ran, "", func(h *host) {
			failing(h)
			time.Sleep(61 * time.Second)
			h.answers(probe.Pass)
			h.settle()
			h.start()
		}, "api 2 failed rollback succeeded; api passed after a rollback; detected passed", 1},
		{"and another deployment before it is verified", ran, "", func(h *host) {
			failing(h)
			time.Sleep(65 * time.Second)
			h.answers(probe.Pass)
			h.announce("3")
		}, "api 2 failed rollback failed; api inconclusive superseded after a rollback; api 3 passed", 1},
		{"while the service is paused", ran, "", func(h *host) {
			failing(h)
			time.Sleep(65 * time.Second)
			h.pause(time.Hour)
		}, "api 2 failed rollback failed; api inconclusive paused after a rollback", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "ran")
			synctest.Test(t, func(t *testing.T) {
				on := row.on
				if on == "" {
					on = verdict.API
				}
				h := newHost(t, deployment.Rules{
					Detect: deployment.DetectRestart, OnFailure: runs(strings.ReplaceAll(row.script, "$RAN", file), on),
				})
				row.story(h)
				h.settle()
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				h.stop()
			})
			text, _ := os.ReadFile(file)
			if got := strings.Count(string(text), "\n"); got != row.runs {
				t.Errorf("the hook was run %d times, want %d", got, row.runs)
			}
		})
	}
}

// What a hook is told, and what of it is kept.
func TestWhatAHookIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{
			OnFailure: runs(`printf '%s|' "$POSTFLIGHT_SERVICE" "$POSTFLIGHT_RELEASE" "$POSTFLIGHT_VERDICT" "$POSTFLIGHT_CAUSE" "$POSTFLIGHT_ID"; cat; exit 3`, verdict.API),
		})
		h.answers(probe.Fail)
		id := h.announce("2")
		h.settle()
		doc, err := h.desk.Deployment(id)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"proxy|2|failed|wrong_status|" + id + "|", `"state":"failed"`, `"cause":"wrong_status"`, `"rollback":{"state":"running"`} {
			if !strings.Contains(doc.Rollback.Output, want) {
				t.Errorf("no %s in\n%s", want, doc.Rollback.Output)
			}
		}
		if doc.Rollback.Problem != "exit status 3" || doc.Rollback.Hook != "command /bin/sh" || doc.Rollback.EndedAt.IsZero() {
			t.Errorf("%+v", doc.Rollback)
		}
		h.stop()
	})
}

// Each state of a verification and of its rollback is told, in their order.
func TestStatesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{OnFailure: runs("true", verdict.API)})
		h.answers(probe.Fail)
		h.announce("2")
		time.Sleep(61 * time.Second)
		h.answers(probe.Pass)
		h.settle()
		h.stop()
		want := []string{
			"2 settling none",
			"2 failed running", // the hook
			"2 failed running", // the verification afterwards
			" settling none",   // which is this one
			" observing none",
			" passed none",
			"2 failed succeeded",
		}
		if diff := cmp.Diff(want, h.told); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

// That it runs is on the disk before it does: whenever postflight is killed, it is not run again.
func TestARollbackIsKeptBeforeItRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ran")
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{OnFailure: runs("echo run >>"+file, verdict.API)})
		var disk []byte // as it was when the hook had not run yet, and the verdict was kept
		var writing sync.Mutex
		h.kept = func() {
			writing.Lock()
			defer writing.Unlock()
			if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
				disk = h.store.Save()
			}
		}
		h.answers(probe.Fail)
		id := h.announce("2")
		h.settle()
		h.stop()
		h.boot(disk)
		h.settle()
		doc, err := h.desk.Deployment(id)
		if err != nil {
			t.Fatal(err)
		}
		if doc.State != verdict.Failed || doc.Rollback.State != verdict.RollbackInterrupted || doc.Rollback.Problem == "" {
			t.Errorf("%s, rollback %+v", doc.State, doc.Rollback)
		}
		h.stop()
	})
	if text, _ := os.ReadFile(file); string(text) != "run\n" {
		t.Errorf("the hook was run like this: %q", text)
	}
}

// Postflight is stopped while a hook runs: that is ended, too, and said.
func TestAHookEndsWithPostflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{OnFailure: runs("sleep 3600", verdict.API)})
		h.answers(probe.Fail)
		id := h.announce("2")
		time.Sleep(59 * time.Second)
		turned := make(chan struct{})
		go func() {
			defer close(turned)
			h.desk.Follow(t.Context(), id, 0, func(deployment.Event) error { return nil })
		}()
		<-turned // the verdict has been told, and the hook begins
		h.stop()
		saved := h.store.Save()
		h.boot(saved)
		doc, err := h.desk.Deployment(id)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Rollback.State != verdict.RollbackInterrupted {
			t.Errorf("%+v", doc.Rollback)
		}
		h.stop()
	})
}

// Who rolls back by themselves tells so.
func TestReportedRollbacks(t *testing.T) {
	begun := func(h *host, id string) error {
		_, err := h.desk.RollbackBegun(id, "command ./rollback.sh")
		return err
	}
	ended := func(problem string) func(h *host, id string) error {
		return func(h *host, id string) error {
			_, err := h.desk.RollbackEnded(id, hook.Outcome{Problem: problem, Output: "done"})
			return err
		}
	}
	then := func(outcome probe.Outcome) func(h *host, id string) error {
		return func(h *host, _ string) error { h.answers(outcome); return nil }
	}
	restart := func(h *host, _ string) error { h.kill(time.Second); return nil }
	long := func(h *host, _ string) error { h.settle(); time.Sleep(time.Hour); return nil }
	for _, row := range []struct {
		name  string
		steps []func(h *host, id string) error
		want  string
		err   string // of the last step
	}{
		{"none", nil, "api 2 failed", ""},
		{"begun", []func(*host, string) error{begun}, "api 2 failed rollback running", ""},
		{"begun twice", []func(*host, string) error{begun, begun}, "api 2 failed rollback running", "begun before"},
		{"ended, and never begun", []func(*host, string) error{ended("")}, "api 2 failed", "no rollback of this deployment is running"},
		{"ended well", []func(*host, string) error{begun, then(probe.Pass), ended("")}, "api 2 failed rollback succeeded; api passed after a rollback", ""},
		{"ended, and nothing is mended", []func(*host, string) error{begun, ended("")}, "api 2 failed rollback failed; api failed after a rollback", ""},
		{"ended badly", []func(*host, string) error{begun, ended("exit status 1")}, "api 2 failed rollback failed", ""},
		{"ended twice", []func(*host, string) error{begun, ended("exit status 1"), ended("")}, "api 2 failed rollback failed", "no rollback of this deployment is running"},
		{"begun, and nobody tells how it ended", []func(*host, string) error{begun, long}, "api 2 failed rollback interrupted", ""},
		{"begun, and postflight is restarted", []func(*host, string) error{begun, restart}, "api 2 failed rollback interrupted", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, deployment.Rules{Detect: deployment.DetectRestart})
				h.answers(probe.Fail)
				id := h.announce("2")
				h.settle()
				var err error
				for _, step := range row.steps {
					err = step(h, id)
				}
				if row.err == "" && err != nil || row.err != "" && (!errors.Is(err, deployment.ErrConflict) || !strings.Contains(fmt.Sprint(err), row.err)) {
					t.Errorf("error %v, want one with %q", err, row.err)
				}
				h.settle()
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				h.stop()
			})
		})
	}
}

func TestOnlyAFailedDeploymentIsRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, deployment.Rules{})
		id := h.announce("2")
		for _, when := range []string{"settling", "passed"} {
			if _, err := h.desk.RollbackBegun(id, "x"); !errors.Is(err, deployment.ErrConflict) || !strings.Contains(err.Error(), when) {
				t.Errorf("while it is %s: %v", when, err)
			}
			h.settle()
		}
		if _, err := h.desk.RollbackBegun("none", "x"); !errors.Is(err, deployment.ErrUnknownDeployment) {
			t.Error(err)
		}
		h.stop()
	})
}
